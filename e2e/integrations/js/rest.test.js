/** The REST client's quickstart, and what it does beyond. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QdrantClient } from '@qdrant/js-client-rest';
import { SIZE, SOURCES, TEXTS, URL, dense, name, sparse } from './words.js';

const client = new QdrantClient({ url: URL });

test('the quickstart', async () => {
  const collection = name();
  assert.equal(await client.createCollection(collection, { vectors: { size: 4, distance: 'Dot' } }), true);
  const done = await client.upsert(collection, {
    wait: true,
    points: [
      { id: 1, vector: [0.05, 0.61, 0.76, 0.74], payload: { city: 'Berlin' } },
      { id: 2, vector: [0.19, 0.81, 0.75, 0.11], payload: { city: 'London' } },
      { id: 3, vector: [0.36, 0.55, 0.47, 0.94], payload: { city: 'Moscow' } },
      { id: 4, vector: [0.18, 0.01, 0.85, 0.8], payload: { city: ['London', 'Moscow'] } },
    ],
  });
  assert.equal(done.status, 'completed');
  const query = [0.2, 0.1, 0.9, 0.7];
  const found = await client.query(collection, { query, limit: 3 });
  assert.deepEqual(found.points.map((it) => it.id), [4, 1, 3]);
  const filter = { must: [{ key: 'city', match: { value: 'London' } }] };
  const filtered = await client.query(collection, { query, filter, with_payload: true, limit: 3 });
  assert.deepEqual(filtered.points.map((it) => it.payload.city), [['London', 'Moscow'], 'London']);
  await client.delete(collection, { wait: true, filter });
  assert.equal((await client.count(collection)).count, 2);
  assert.equal(await client.deleteCollection(collection), true);
  await assert.rejects(client.getCollection(collection), (error) => error.status === 404);
});

test('hybrid queries, scrolls, indexes and batches', async () => {
  const collection = name();
  await client.createCollection(collection, {
    vectors: { dense: { size: SIZE, distance: 'Cosine' } },
    sparse_vectors: { sparse: { modifier: 'idf' } },
  });
  await client.createPayloadIndex(collection, { field_name: 'source', field_schema: 'keyword', wait: true });
  const points = TEXTS.map((text, id) => ({ id, vector: { dense: dense(text), sparse: sparse(text) }, payload: { text, source: SOURCES[id] } }));
  await client.upsert(collection, { wait: true, points });
  const { points: fused } = await client.query(collection, {
    prefetch: [
      { query: dense('the weather forecast of tomorrow'), using: 'dense', limit: 3 },
      { query: sparse('weather'), using: 'sparse', limit: 3 },
    ],
    query: { fusion: 'rrf' },
    limit: 1,
    with_payload: ['text'],
  });
  assert.deepEqual(fused[0].payload, { text: TEXTS[1] });
  const page = await client.scroll(collection, { limit: 4, with_payload: false });
  assert.equal(page.points.length, 4);
  assert.equal(page.next_page_offset, 4);
  const groups = await client.queryGroups(collection, { query: dense('today'), using: 'dense', group_by: 'source', limit: 3, group_size: 1 });
  assert.deepEqual(new Set(groups.groups.map((it) => it.id)), new Set(SOURCES));
  const { hits } = await client.facet(collection, { key: 'source' });
  assert.deepEqual(hits, [{ value: 'news', count: 3 }, { value: 'tweet', count: 2 }, { value: 'website', count: 1 }]);
  await client.batchUpdate(collection, { wait: true, operations: [{ delete: { points: [0] } }, { set_payload: { payload: { read: true }, points: [1] } }] });
  assert.deepEqual((await client.retrieve(collection, { ids: [0, 1] })).map((it) => it.payload.read), [true]);
  const answers = await client.queryBatch(collection, { searches: [{ query: 1, using: 'dense', limit: 1 }, { query: 2, using: 'dense', limit: 1 }] });
  assert.deepEqual(answers.map((it) => it.points.length), [1, 1]);
  await client.updateCollectionAliases({ actions: [{ create_alias: { collection_name: collection, alias_name: `${collection}-a` } }] });
  assert.equal((await client.count(`${collection}-a`)).count, 5);
});
