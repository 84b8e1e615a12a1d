/** The gRPC client's quickstart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distance, QdrantClient } from '@qdrant/js-client-grpc';
import { GRPC_URL, name } from './words.js';

const client = new QdrantClient({ url: GRPC_URL });
const oneof = (name, value) => ({ case: name, value });
const number = (num) => ({ pointIdOptions: oneof('num', BigInt(num)) });
const text = (value) => ({ kind: oneof('stringValue', value) });

test('the quickstart', async () => {
  const collectionName = name();
  const vectorsConfig = { config: oneof('params', { size: 4n, distance: Distance.Dot }) };
  assert.equal((await client.api('collections').create({ collectionName, vectorsConfig })).result, true);
  const { collections } = await client.api('collections').list({});
  assert.ok(collections.some((it) => it.name === collectionName));
  const cities = ['Berlin', 'London', 'Moscow', 'New York'];
  const vectors = [[0.05, 0.61, 0.76, 0.74], [0.19, 0.81, 0.75, 0.11], [0.36, 0.55, 0.47, 0.94], [0.18, 0.01, 0.85, 0.8]];
  const points = vectors.map((data, i) => ({
    id: number(i + 1),
    vectors: { vectorsOptions: oneof('vector', { data, vector: oneof('dense', { data }) }) },
    payload: { city: text(cities[i]) },
  }));
  await client.api('points').upsert({ collectionName, wait: true, points });
  const query = { variant: oneof('nearest', { variant: oneof('dense', { data: [0.2, 0.1, 0.9, 0.7] }) }) };
  const withPayload = { selectorOptions: oneof('enable', true) };
  const found = await client.api('points').query({ collectionName, query, limit: 3n, withPayload });
  assert.deepEqual(found.result.map((it) => it.payload.city.kind.value), ['New York', 'Berlin', 'Moscow']);
  const match = { matchValue: oneof('keyword', 'London') };
  const filter = { must: [{ conditionOneOf: oneof('field', { key: 'city', match }) }] };
  const filtered = await client.api('points').search({ collectionName, vector: [0.2, 0.1, 0.9, 0.7], filter, limit: 3n });
  assert.deepEqual(filtered.result.map((it) => it.id.pointIdOptions.value), [2n]);
  const page = await client.api('points').scroll({ collectionName, limit: 2, withVectors: { selectorOptions: oneof('enable', true) } });
  assert.equal(page.result.length, 2);
  assert.equal(page.nextPageOffset.pointIdOptions.value, 3n);
  await client.api('points').delete({ collectionName, wait: true, points: { pointsSelectorOneOf: oneof('filter', filter) } });
  assert.equal((await client.api('points').count({ collectionName })).result.count, 3n);
  await client.api('collections').delete({ collectionName });
  await assert.rejects(client.api('collections').get({ collectionName }), (error) => error.rawMessage.includes("doesn't exist"));
});
