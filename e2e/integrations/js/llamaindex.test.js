/** LlamaIndex.TS: nodes are added, queried with filters and deleted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextNode } from '@llamaindex/core/schema';
import { FilterOperator, VectorStoreQueryMode } from '@llamaindex/core/vector-store';
import { QdrantVectorStore } from '@llamaindex/qdrant';
import { SOURCES, TEXTS, URL, dense, name } from './words.js';

test('nodes are added, queried with filters and deleted', async () => {
  const store = new QdrantVectorStore({ url: URL, collectionName: name(), embedModel: {} });
  const nodes = TEXTS.map((text, n) => {
    const relationships = { SOURCE: { nodeId: `doc-${n}`, metadata: {} } };
    return new TextNode({ text, embedding: dense(text), metadata: { source: SOURCES[n] }, relationships });
  });
  assert.equal((await store.add(nodes)).length, TEXTS.length);
  const query = (text, more) => store.query({ queryEmbedding: dense(text), similarityTopK: 5, mode: VectorStoreQueryMode.DEFAULT, ...more });
  const found = await query('the weather forecast of tomorrow', { similarityTopK: 1 });
  assert.equal(found.nodes[0].text, TEXTS[1]);
  const only = (key, value, operator) => ({ filters: { filters: [{ key, value, operator }] } });
  const news = await query('today', only('source', 'news', FilterOperator.EQ));
  assert.deepEqual(new Set(news.nodes.map((it) => it.text)), new Set([TEXTS[1], TEXTS[3], TEXTS[4]]));
  const web = await query('today', only('source', 'web', FilterOperator.TEXT_MATCH));
  assert.deepEqual(web.nodes.map((it) => it.text), [TEXTS[5]]);
  await store.delete('doc-1');
  const rest = await query('today', { similarityTopK: 10 });
  assert.deepEqual(new Set(rest.nodes.map((it) => it.text)), new Set(TEXTS.filter((_, n) => n !== 1)));
});
