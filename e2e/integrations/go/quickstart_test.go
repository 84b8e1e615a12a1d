// The official Go client's quickstart, and what it does beyond.
package integrations

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/qdrant/go-client/qdrant"
)

func connect(t *testing.T) (*qdrant.Client, context.Context, string) {
	t.Helper()
	port, err := strconv.Atoi(os.Getenv("VANE_GRPC_PORT"))
	if err != nil {
		t.Fatal("VANE_GRPC_PORT is not set")
	}
	client, err := qdrant.NewClient(&qdrant.Config{Host: os.Getenv("VANE_HOST"), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, context.Background(), "c-" + rand.Text()
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func same(t *testing.T, found, expected any) {
	t.Helper()
	if !reflect.DeepEqual(found, expected) {
		t.Fatalf("found %v in place of %v", found, expected)
	}
}

func ids(points []*qdrant.ScoredPoint) []uint64 {
	found := []uint64{}
	for _, point := range points {
		found = append(found, point.GetId().GetNum())
	}
	return found
}

func cities(client *qdrant.Client, ctx context.Context, name string) error {
	err := client.CreateCollection(ctx, &qdrant.CreateCollection{
		CollectionName: name,
		VectorsConfig:  qdrant.NewVectorsConfig(&qdrant.VectorParams{Size: 4, Distance: qdrant.Distance_Dot}),
	})
	if err != nil {
		return err
	}
	vectors := [][]float32{{0.05, 0.61, 0.76, 0.74}, {0.19, 0.81, 0.75, 0.11}, {0.36, 0.55, 0.47, 0.94}, {0.18, 0.01, 0.85, 0.80}}
	points := []*qdrant.PointStruct{}
	for i, city := range []string{"Berlin", "London", "Moscow", "New York"} {
		points = append(points, &qdrant.PointStruct{
			Id:      qdrant.NewIDNum(uint64(i + 1)),
			Vectors: qdrant.NewVectors(vectors[i]...),
			Payload: qdrant.NewValueMap(map[string]any{"city": city, "n": i + 1}),
		})
	}
	_, err = client.Upsert(ctx, &qdrant.UpsertPoints{CollectionName: name, Points: points, Wait: qdrant.PtrOf(true)})
	return err
}

func TestTheQuickstart(t *testing.T) {
	client, ctx, name := connect(t)
	health := must[*qdrant.HealthCheckReply](t)(client.HealthCheck(ctx))
	if !strings.HasPrefix(health.GetVersion(), "1.") {
		t.Fatal(health)
	}
	if err := cities(client, ctx, name); err != nil {
		t.Fatal(err)
	}
	query := qdrant.NewQuery(0.2, 0.1, 0.9, 0.7)
	found := must[[]*qdrant.ScoredPoint](t)(client.Query(ctx, &qdrant.QueryPoints{
		CollectionName: name, Query: query, WithPayload: qdrant.NewWithPayload(true), Limit: qdrant.PtrOf(uint64(3)),
	}))
	same(t, ids(found), []uint64{4, 1, 3})
	same(t, found[0].GetPayload()["city"].GetStringValue(), "New York")
	filtered := must[[]*qdrant.ScoredPoint](t)(client.Query(ctx, &qdrant.QueryPoints{
		CollectionName: name, Query: query, Filter: &qdrant.Filter{Must: []*qdrant.Condition{qdrant.NewMatch("city", "London")}},
	}))
	same(t, ids(filtered), []uint64{2})
	if !must[bool](t)(client.CollectionExists(ctx, name)) {
		t.Fatal("the collection is not there")
	}
	if err := client.DeleteCollection(ctx, name); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetCollectionInfo(ctx, name)
	if err == nil || !strings.Contains(err.Error(), "doesn't exist") {
		t.Fatal(err)
	}
}

func TestPointsAreChangedAndDeleted(t *testing.T) {
	client, ctx, name := connect(t)
	if err := cities(client, ctx, name); err != nil {
		t.Fatal(err)
	}
	wait := qdrant.PtrOf(true)
	must[*qdrant.UpdateResult](t)(client.CreateFieldIndex(ctx, &qdrant.CreateFieldIndexCollection{
		CollectionName: name, FieldName: "n", FieldType: qdrant.FieldType_FieldTypeInteger.Enum(), Wait: wait,
	}))
	must[*qdrant.UpdateResult](t)(client.SetPayload(ctx, &qdrant.SetPayloadPoints{
		CollectionName: name, Payload: qdrant.NewValueMap(map[string]any{"read": true}), PointsSelector: qdrant.NewPointsSelector(qdrant.NewIDNum(2)), Wait: wait,
	}))
	read := must[[]*qdrant.RetrievedPoint](t)(client.Get(ctx, &qdrant.GetPoints{
		CollectionName: name, Ids: []*qdrant.PointId{qdrant.NewIDNum(2)}, WithPayload: qdrant.NewWithPayload(true), WithVectors: qdrant.NewWithVectors(true),
	}))
	same(t, read[0].GetPayload()["read"].GetBoolValue(), true)
	same(t, read[0].GetVectors().GetVector().GetDenseVector().GetData(), []float32{0.19, 0.81, 0.75, 0.11})
	page, offset, err := client.ScrollAndOffset(ctx, &qdrant.ScrollPoints{CollectionName: name, Limit: qdrant.PtrOf(uint32(3))})
	if err != nil || len(page) != 3 || offset.GetNum() != 4 {
		t.Fatal(page, offset, err)
	}
	order := must[[]*qdrant.RetrievedPoint](t)(client.Scroll(ctx, &qdrant.ScrollPoints{
		CollectionName: name, Limit: qdrant.PtrOf(uint32(1)), OrderBy: &qdrant.OrderBy{Key: "n", Direction: qdrant.Direction_Desc.Enum()},
	}))
	same(t, order[0].GetId().GetNum(), uint64(4))
	later := &qdrant.Filter{Must: []*qdrant.Condition{qdrant.NewRange("n", &qdrant.Range{Gt: qdrant.PtrOf(2.0)})}}
	must[*qdrant.UpdateResult](t)(client.Delete(ctx, &qdrant.DeletePoints{
		CollectionName: name, Points: qdrant.NewPointsSelectorFilter(later), Wait: wait,
	}))
	same(t, must[uint64](t)(client.Count(ctx, &qdrant.CountPoints{CollectionName: name, Exact: wait})), uint64(2))
}

func TestHybridQueries(t *testing.T) {
	client, ctx, name := connect(t)
	err := client.CreateCollection(ctx, &qdrant.CreateCollection{
		CollectionName:      name,
		VectorsConfig:       qdrant.NewVectorsConfigMap(map[string]*qdrant.VectorParams{"dense": {Size: 2, Distance: qdrant.Distance_Cosine}}),
		SparseVectorsConfig: qdrant.NewSparseVectorsConfig(map[string]*qdrant.SparseVectorParams{"sparse": {Modifier: qdrant.Modifier_Idf.Enum()}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	points := []*qdrant.PointStruct{}
	for i := range uint32(5) {
		points = append(points, &qdrant.PointStruct{
			Id: qdrant.NewIDNum(uint64(i)),
			Vectors: qdrant.NewVectorsMap(map[string]*qdrant.Vector{
				"dense": qdrant.NewVector(1, float32(i)), "sparse": qdrant.NewVectorSparse([]uint32{i, 100}, []float32{1, 1}),
			}),
			Payload: qdrant.NewValueMap(map[string]any{"group": fmt.Sprint(i % 2)}),
		})
	}
	must[*qdrant.UpdateResult](t)(client.Upsert(ctx, &qdrant.UpsertPoints{CollectionName: name, Points: points, Wait: qdrant.PtrOf(true)}))
	found := must[[]*qdrant.ScoredPoint](t)(client.Query(ctx, &qdrant.QueryPoints{
		CollectionName: name,
		Prefetch: []*qdrant.PrefetchQuery{
			{Query: qdrant.NewQuery(1, 0), Using: qdrant.PtrOf("dense"), Limit: qdrant.PtrOf(uint64(4))},
			{Query: qdrant.NewQuerySparse([]uint32{3}, []float32{1}), Using: qdrant.PtrOf("sparse")},
		},
		Query: qdrant.NewQueryFusion(qdrant.Fusion_RRF), Limit: qdrant.PtrOf(uint64(2)),
	}))
	same(t, ids(found), []uint64{3, 0})
	groups := must[[]*qdrant.PointGroup](t)(client.QueryGroups(ctx, &qdrant.QueryPointGroups{
		CollectionName: name, Query: qdrant.NewQuery(1, 0), Using: qdrant.PtrOf("dense"), GroupBy: "group", GroupSize: qdrant.PtrOf(uint64(1)),
	}))
	same(t, []string{groups[0].GetId().GetStringValue(), groups[1].GetId().GetStringValue()}, []string{"0", "1"})
	batch := must[[]*qdrant.BatchResult](t)(client.QueryBatch(ctx, &qdrant.QueryBatchPoints{CollectionName: name, QueryPoints: []*qdrant.QueryPoints{
		{CollectionName: name, Query: qdrant.NewQueryID(qdrant.NewIDNum(0)), Using: qdrant.PtrOf("dense"), Limit: qdrant.PtrOf(uint64(1))},
	}}))
	same(t, ids(batch[0].GetResult()), []uint64{1})
}
