/** Texts as vectors, by their words alone: what shares words is near. No model is downloaded. */
import { randomUUID } from 'node:crypto';

export const SIZE = 64;
export const URL = process.env.VANE_URL;
export const GRPC_URL = `http://${process.env.VANE_HOST}:${process.env.VANE_GRPC_PORT}`;
export const name = () => `c-${randomUUID()}`;

function hash(word) {
  let it = 2166136261;
  for (const byte of Buffer.from(word)) it = Math.imul(it ^ byte, 16777619) >>> 0;
  return it;
}

export const words = (text) => text.toLowerCase().match(/\w+/g) ?? [];

export function dense(text) {
  const vector = new Array(SIZE).fill(0);
  for (const word of words(text)) {
    vector[hash(word) % SIZE] += 1;
    vector[(hash(word) >>> 8) % SIZE] += 0.5;
  }
  return vector;
}

export function sparse(text) {
  const counts = new Map();
  for (const word of words(text)) counts.set(hash(word), (counts.get(hash(word)) ?? 0) + 1);
  return { indices: [...counts.keys()], values: [...counts.values()] };
}

export const TEXTS = [
  'I had chocolate chip pancakes and scrambled eggs for breakfast this morning',
  'The weather forecast for tomorrow is cloudy and overcast with a high of 62 degrees',
  'Building an exciting new project with vectors, come check it out',
  'Robbers broke into the city bank and stole one million in cash',
  'The stock market is down 500 points today due to fears of a recession',
  'Soccer players of the year are announced today in Paris',
];
export const SOURCES = ['tweet', 'news', 'tweet', 'news', 'news', 'website'];
