// LangChainGo: documents are added and searched; it asks the older `points/search`.
package integrations

import (
	"context"
	"hash/crc32"
	"net/url"
	"os"
	"strings"
	"testing"

	qdrantapi "github.com/qdrant/go-client/qdrant"
	"github.com/tmc/langchaingo/schema"
	"github.com/tmc/langchaingo/vectorstores"
	"github.com/tmc/langchaingo/vectorstores/qdrant"
)

// words makes vectors of texts by their words alone.
type words struct{}

func (words) EmbedQuery(_ context.Context, text string) ([]float32, error) {
	vector := make([]float32, 64)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		vector[crc32.ChecksumIEEE([]byte(word))%64]++
	}
	return vector, nil
}

func (it words) EmbedDocuments(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := [][]float32{}
	for _, text := range texts {
		vector, _ := it.EmbedQuery(ctx, text)
		vectors = append(vectors, vector)
	}
	return vectors, nil
}

func TestLangChainGo(t *testing.T) {
	client, ctx, name := connect(t)
	err := client.CreateCollection(ctx, &qdrantapi.CreateCollection{
		CollectionName: name,
		VectorsConfig:  qdrantapi.NewVectorsConfig(&qdrantapi.VectorParams{Size: 64, Distance: qdrantapi.Distance_Cosine}),
	})
	if err != nil {
		t.Fatal(err)
	}
	address := must[*url.URL](t)(url.Parse(os.Getenv("VANE_URL")))
	store := must[qdrant.Store](t)(qdrant.New(qdrant.WithURL(*address), qdrant.WithCollectionName(name), qdrant.WithEmbedder(words{})))
	documents := []schema.Document{
		{PageContent: "the weather forecast for tomorrow", Metadata: map[string]any{"source": "news"}},
		{PageContent: "robbers broke into the bank", Metadata: map[string]any{"source": "news"}},
		{PageContent: "pancakes for breakfast", Metadata: map[string]any{"source": "tweet"}},
	}
	if ids := must[[]string](t)(store.AddDocuments(ctx, documents)); len(ids) != 3 {
		t.Fatal(ids)
	}
	found := must[[]schema.Document](t)(store.SimilaritySearch(ctx, "which weather tomorrow", 1))
	same(t, found[0].PageContent, documents[0].PageContent)
	same(t, found[0].Metadata["source"], any("news"))
	filter := map[string]any{"must": []map[string]any{{"key": "source", "match": map[string]any{"value": "tweet"}}}}
	filtered := must[[]schema.Document](t)(store.SimilaritySearch(ctx, "a breakfast", 5, vectorstores.WithFilters(filter)))
	same(t, len(filtered), 1)
	near := must[[]schema.Document](t)(store.SimilaritySearch(ctx, "robbers broke into the bank", 5, vectorstores.WithScoreThreshold(0.9)))
	same(t, len(near), 1)
}
