/** LangChain.js: the vector store's quickstart, filters, MMR and deletion. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Embeddings } from '@langchain/core/embeddings';
import { QdrantVectorStore } from '@langchain/qdrant';
import { SOURCES, TEXTS, URL, dense, name } from './words.js';

class Words extends Embeddings {
  embedQuery = async (text) => dense(text);
  embedDocuments = async (texts) => texts.map(dense);
}

const documents = TEXTS.map((pageContent, n) => ({ pageContent, metadata: { source: SOURCES[n], n } }));

test('documents are added, searched, filtered and deleted', async () => {
  const collectionName = name();
  const store = await QdrantVectorStore.fromDocuments(documents, new Words({}), { url: URL, collectionName });
  const [found] = await store.similaritySearch('the weather forecast of tomorrow', 1);
  assert.equal(found.pageContent, TEXTS[1]);
  const filter = { must: [{ key: 'metadata.source', match: { value: 'tweet' } }] };
  const scored = await store.similaritySearchWithScore('chocolate and a project', 5, filter);
  assert.deepEqual(new Set(scored.map(([it]) => it.metadata.source)), new Set(['tweet']));
  assert.ok(scored[0][1] > scored[1][1]);
  const diverse = await store.maxMarginalRelevanceSearch('today', { k: 3, fetchK: 6 });
  assert.equal(new Set(diverse.map((it) => it.pageContent)).size, 3);
  const retriever = store.asRetriever({ k: 1 });
  assert.equal((await retriever.invoke('robbers stole from the bank'))[0].pageContent, TEXTS[3]);
  await store.delete({ filter });
  assert.equal((await store.similaritySearch('today', 10)).length, 4);
  const again = await QdrantVectorStore.fromExistingCollection(new Words({}), { url: URL, collectionName });
  const [one] = await again.similaritySearch('today', 1);
  await again.delete({ ids: [one.id] });
  assert.equal((await again.similaritySearch('today', 10)).length, 3);
});
