package vane;

import static io.qdrant.client.ConditionFactory.matchKeyword;
import static io.qdrant.client.PointIdFactory.id;
import static io.qdrant.client.QueryFactory.fusion;
import static io.qdrant.client.QueryFactory.nearest;
import static io.qdrant.client.ValueFactory.value;
import static io.qdrant.client.VectorFactory.vector;
import static io.qdrant.client.VectorsFactory.namedVectors;
import static io.qdrant.client.VectorsFactory.vectors;
import static io.qdrant.client.WithPayloadSelectorFactory.enable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.Modifier;
import io.qdrant.client.grpc.Collections.PayloadSchemaType;
import io.qdrant.client.grpc.Collections.SparseVectorConfig;
import io.qdrant.client.grpc.Collections.SparseVectorParams;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.qdrant.client.grpc.Collections.VectorParamsMap;
import io.qdrant.client.grpc.Collections.VectorsConfig;
import io.qdrant.client.grpc.Common.Filter;
import io.qdrant.client.grpc.Points.Fusion;
import io.qdrant.client.grpc.Points.PointStruct;
import io.qdrant.client.grpc.Points.PrefetchQuery;
import io.qdrant.client.grpc.Points.QueryPoints;
import io.qdrant.client.grpc.Points.ScoredPoint;
import io.qdrant.client.grpc.Points.ScrollPoints;
import io.qdrant.client.grpc.Points.SearchPoints;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The official Java client's quickstart, and hybrid queries. */
class ClientTest {
  private static List<Long> ids(List<ScoredPoint> points) {
    return points.stream().map(point -> point.getId().getNum()).toList();
  }

  private static PointStruct point(long id, String city, float... values) {
    return PointStruct.newBuilder()
        .setId(id(id))
        .setVectors(vectors(values))
        .putPayload("city", value(city))
        .build();
  }

  @Test
  void theQuickstart() throws Exception {
    String name = Words.name();
    try (var client = Words.client()) {
      var params = VectorParams.newBuilder().setSize(4).setDistance(Distance.Dot).build();
      assertTrue(client.createCollectionAsync(name, params).get().getResult());
      client
          .upsertAsync(
              name,
              List.of(
                  point(1, "Berlin", 0.05f, 0.61f, 0.76f, 0.74f),
                  point(2, "London", 0.19f, 0.81f, 0.75f, 0.11f),
                  point(3, "Moscow", 0.36f, 0.55f, 0.47f, 0.94f),
                  point(4, "New York", 0.18f, 0.01f, 0.85f, 0.80f)))
          .get();
      var query =
          QueryPoints.newBuilder()
              .setCollectionName(name)
              .setQuery(nearest(0.2f, 0.1f, 0.9f, 0.7f))
              .setLimit(3);
      assertEquals(List.of(4L, 1L, 3L), ids(client.queryAsync(query.build()).get()));
      var london = Filter.newBuilder().addMust(matchKeyword("city", "London")).build();
      var found =
          client.queryAsync(query.setFilter(london).setWithPayload(enable(true)).build()).get();
      assertEquals(List.of(2L), ids(found));
      assertEquals("London", found.get(0).getPayloadMap().get("city").getStringValue());
      var search =
          SearchPoints.newBuilder()
              .setCollectionName(name)
              .addAllVector(List.of(0.2f, 0.1f, 0.9f, 0.7f))
              .setFilter(london)
              .setLimit(3);
      assertEquals(List.of(2L), ids(client.searchAsync(search.build()).get()));
      client
          .createPayloadIndexAsync(
              name, "city", PayloadSchemaType.Keyword, null, true, null, null)
          .get();
      client.deleteAsync(name, london).get();
      client.deleteAsync(name, List.of(id(1))).get();
      assertEquals(2, client.countAsync(name).get());
      var page =
          client
              .scrollAsync(ScrollPoints.newBuilder().setCollectionName(name).setLimit(1).build())
              .get();
      assertEquals(4, page.getNextPageOffset().getNum());
      client.deleteCollectionAsync(name).get();
      var refused =
          assertThrows(
              ExecutionException.class, () -> client.getCollectionInfoAsync(name).get());
      assertTrue(refused.getMessage().contains("doesn't exist"), refused.getMessage());
    }
  }

  @Test
  void hybridQueries() throws Exception {
    String name = Words.name();
    try (var client = Words.client()) {
      var dense = VectorParams.newBuilder().setSize(2).setDistance(Distance.Cosine).build();
      var sparse = SparseVectorParams.newBuilder().setModifier(Modifier.Idf).build();
      client
          .createCollectionAsync(
              CreateCollection.newBuilder()
                  .setCollectionName(name)
                  .setVectorsConfig(
                      VectorsConfig.newBuilder()
                          .setParamsMap(VectorParamsMap.newBuilder().putMap("dense", dense)))
                  .setSparseVectorsConfig(SparseVectorConfig.newBuilder().putMap("sparse", sparse))
                  .build())
          .get();
      var points =
          IntStream.range(0, 5)
              .mapToObj(
                  i ->
                      PointStruct.newBuilder()
                          .setId(id(i))
                          .setVectors(
                              namedVectors(
                                  Map.of(
                                      "dense", vector(1f, (float) i),
                                      "sparse", vector(List.of(1f), List.of(i)))))
                          .build())
              .toList();
      client.upsertAsync(name, points).get();
      var hybrid =
          QueryPoints.newBuilder()
              .setCollectionName(name)
              .addPrefetch(
                  PrefetchQuery.newBuilder().setQuery(nearest(1f, 0f)).setUsing("dense").setLimit(4))
              .addPrefetch(
                  PrefetchQuery.newBuilder()
                      .setQuery(nearest(List.of(1f), List.of(3)))
                      .setUsing("sparse"))
              .setQuery(fusion(Fusion.RRF))
              .setLimit(2);
      assertEquals(List.of(3L, 0L), ids(client.queryAsync(hybrid.build()).get()));
    }
  }
}
