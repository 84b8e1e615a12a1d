package vane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.filter.FilterExpressionBuilder;
import org.springframework.ai.vectorstore.qdrant.QdrantVectorStore;

/** Spring AI's vector store: documents are added, searched, filtered and deleted. */
class SpringAiTest {
  private static final class Model implements EmbeddingModel {
    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
      var texts = request.getInstructions();
      return new EmbeddingResponse(
          IntStream.range(0, texts.size())
              .mapToObj(i -> new Embedding(Words.dense(texts.get(i)), i))
              .toList());
    }

    @Override
    public float[] embed(Document document) {
      return Words.dense(document.getText());
    }

    @Override
    public int dimensions() {
      return Words.SIZE;
    }
  }

  @Test
  void documentsAreAddedSearchedFilteredAndDeleted() throws Exception {
    String name = Words.name();
    try (var client = Words.client()) {
      var store =
          QdrantVectorStore.builder(client, new Model())
              .collectionName(name)
              .initializeSchema(true)
              .build();
      store.afterPropertiesSet();
      var documents =
          IntStream.range(0, Words.TEXTS.size())
              .mapToObj(
                  i ->
                      new Document(
                          Words.TEXTS.get(i), Map.of("source", Words.SOURCES.get(i), "n", i)))
              .toList();
      store.add(documents);
      var found =
          store.similaritySearch(
              SearchRequest.builder()
                  .query("the weather forecast for tomorrow")
                  .topK(2)
                  .similarityThreshold(0.5)
                  .build());
      assertEquals(Words.TEXTS.get(1), found.get(0).getText());
      assertTrue(found.get(0).getScore() > 0.5);
      var today = SearchRequest.builder().query("today").topK(10).similarityThresholdAll();
      var filtered =
          store.similaritySearch(
              today.filterExpression("source in ['news', 'website'] && n >= 4").build());
      assertEquals(
          List.of(4L, 5L), filtered.stream().map(it -> it.getMetadata().get("n")).sorted().toList());
      var tweets = new FilterExpressionBuilder().eq("source", "tweet").build();
      store.delete(tweets);
      store.delete(List.of(documents.get(1).getId()));
      assertEquals(3, client.countAsync(name).get());
    }
  }
}
