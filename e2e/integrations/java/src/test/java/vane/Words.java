package vane;

import io.qdrant.client.QdrantClient;
import io.qdrant.client.QdrantGrpcClient;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** Texts as vectors, by their words alone: what shares words is near. No model is downloaded. */
final class Words {
  static final int SIZE = 64;
  static final List<String> TEXTS =
      List.of(
          "I had chocolate chip pancakes and scrambled eggs for breakfast this morning",
          "The weather forecast for tomorrow is cloudy and overcast with a high of 62 degrees",
          "Building an exciting new project with vectors, come check it out",
          "Robbers broke into the city bank and stole one million in cash",
          "The stock market is down 500 points today due to fears of a recession",
          "Soccer players of the year are announced today in Paris");
  static final List<String> SOURCES = List.of("tweet", "news", "tweet", "news", "news", "website");
  static final String HOST = System.getenv("VANE_HOST");
  static final int PORT = Integer.parseInt(System.getenv("VANE_GRPC_PORT"));

  private Words() {}

  static String name() {
    return "c-" + UUID.randomUUID();
  }

  static QdrantClient client() {
    return new QdrantClient(QdrantGrpcClient.newBuilder(HOST, PORT, false).build());
  }

  static List<String> words(String text) {
    List<String> found = new ArrayList<>();
    var matcher = Pattern.compile("\\w+").matcher(text.toLowerCase());
    while (matcher.find()) {
      found.add(matcher.group());
    }
    return found;
  }

  static float[] dense(String text) {
    float[] vector = new float[SIZE];
    for (String word : words(text)) {
      int hash = word.hashCode() * 0x9E3779B1;
      vector[Math.floorMod(hash, SIZE)] += 1;
      vector[Math.floorMod(hash >> 8, SIZE)] += 0.5f;
    }
    return vector;
  }
}
