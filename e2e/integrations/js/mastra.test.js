/** Mastra: an index is made, filled, queried with filters, changed and deleted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QdrantVector } from '@mastra/qdrant';
import { SIZE, SOURCES, TEXTS, URL, dense, name } from './words.js';

test('vectors are kept, queried with filters, changed and deleted', async () => {
  const store = new QdrantVector({ id: 'vane', url: URL });
  const indexName = name();
  await store.createIndex({ indexName, dimension: SIZE, metric: 'cosine' });
  await store.createIndex({ indexName, dimension: SIZE, metric: 'cosine' });
  assert.ok((await store.listIndexes()).includes(indexName));
  await store.createPayloadIndex({ indexName, fieldName: 'source', fieldSchema: 'keyword' });
  const ids = await store.upsert({ indexName, vectors: TEXTS.map(dense), metadata: TEXTS.map((text, n) => ({ text, source: SOURCES[n], n })) });
  assert.deepEqual(await store.describeIndex({ indexName }), { dimension: SIZE, count: TEXTS.length, metric: 'cosine' });
  const query = (text, filter) => store.query({ indexName, queryVector: dense(text), topK: 5, filter });
  assert.equal((await query('the weather forecast of tomorrow'))[0].metadata.text, TEXTS[1]);
  const found = await query('today', { $and: [{ source: { $in: ['news', 'website'] } }, { n: { $gt: 1, $lte: 5 } }, { $not: { n: 4 } }] });
  assert.deepEqual(new Set(found.map((it) => it.metadata.n)), new Set([3, 5]));
  await store.updateVector({ indexName, id: ids[3], update: { metadata: { text: 'changed', source: 'tweet' } } });
  assert.equal((await query('robbers', { text: 'changed' }))[0].id, ids[3]);
  await store.deleteVector({ indexName, id: ids[3] });
  await store.deleteVectors({ indexName, filter: { source: 'news' } });
  assert.equal((await store.describeIndex({ indexName })).count, 3);
  await store.deletePayloadIndex({ indexName, fieldName: 'source' });
  await store.deleteIndex({ indexName });
  assert.ok(!(await store.listIndexes()).includes(indexName));
});

test('vectors with names', async () => {
  const store = new QdrantVector({ id: 'vane', url: URL });
  const indexName = name();
  const namedVectors = { text: { size: SIZE, distance: 'cosine' }, image: { size: 2, distance: 'euclidean' } };
  await store.createIndex({ indexName, dimension: SIZE, namedVectors });
  await store.upsert({ indexName, vectors: TEXTS.map(dense), metadata: TEXTS.map((text) => ({ text })), vectorName: 'text' });
  await store.upsert({ indexName, vectors: [[1, 2]], metadata: [{ text: 'an image' }], vectorName: 'image' });
  assert.equal((await store.query({ indexName, queryVector: dense('soccer players'), topK: 1, using: 'text' }))[0].metadata.text, TEXTS[5]);
  assert.deepEqual((await store.query({ indexName, queryVector: [1, 2], topK: 5, using: 'image' })).map((it) => it.metadata.text), ['an image']);
  await store.deleteIndex({ indexName });
});
