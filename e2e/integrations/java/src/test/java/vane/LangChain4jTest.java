package vane;

import static dev.langchain4j.store.embedding.filter.MetadataFilterBuilder.metadataKey;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.filter.Filter;
import dev.langchain4j.store.embedding.qdrant.QdrantEmbeddingStore;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.VectorParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** LangChain4j's embedding store: segments are added, searched, filtered and removed. */
class LangChain4jTest {
  private static List<EmbeddingMatch<TextSegment>> search(
      QdrantEmbeddingStore store, String text, Filter filter) {
    return store
        .search(
            EmbeddingSearchRequest.builder()
                .queryEmbedding(Embedding.from(Words.dense(text)))
                .maxResults(10)
                .filter(filter)
                .build())
        .matches();
  }

  @Test
  void segmentsAreAddedSearchedFilteredAndRemoved() throws Exception {
    String name = Words.name();
    try (var client = Words.client()) {
      var params =
          VectorParams.newBuilder().setSize(Words.SIZE).setDistance(Distance.Cosine).build();
      client.createCollectionAsync(name, params).get();
    }
    var store =
        QdrantEmbeddingStore.builder()
            .host(Words.HOST)
            .port(Words.PORT)
            .collectionName(name)
            .build();
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < Words.TEXTS.size(); i++) {
      var metadata = Metadata.from(Map.of("source", Words.SOURCES.get(i), "n", i));
      var text = Words.TEXTS.get(i);
      ids.add(store.add(Embedding.from(Words.dense(text)), TextSegment.from(text, metadata)));
    }
    var found = search(store, "the weather forecast for tomorrow", null);
    assertEquals(Words.TEXTS.get(1), found.get(0).embedded().text());
    assertEquals(Words.SIZE, found.get(0).embedding().dimension());
    assertTrue(found.get(0).score() > found.get(1).score());
    var filter = metadataKey("source").isEqualTo("news").and(metadataKey("n").isGreaterThan(1));
    assertEquals(
        Set.of(3, 4),
        search(store, "today", filter).stream()
            .map(it -> it.embedded().metadata().getInteger("n"))
            .collect(Collectors.toSet()));
    store.remove(ids.get(3));
    assertEquals(5, search(store, "today", null).size());
    store.removeAll(metadataKey("source").isIn("tweet"));
    assertEquals(3, search(store, "today", null).size());
    store.removeAll(List.of(ids.get(4)));
    store.removeAll();
    assertEquals(0, search(store, "today", null).size());
    store.close();
  }
}
