/** Whether a request leaves to a source what is to be done: "do it like the guide describes", "the rules are in rules.txt". */
import type { KeyedHash } from '../keyed-hash.ts';

const handsOver = [
  /\b(?:follow(?:ing)?|according to|carry out|work through|go by|stick to)\b/i,
  /\b(?:as|like|what|how|whatever|everything)\b(?:[^.!?\n]|\.(?=\S)){0,60}\b(?:says?|describe[sd]?|explain(?:s|ed)?|lists?|listed|wants?|asks?|asked|suggest(?:s|ed)?|recommend(?:s|ed)?|written|wrote|noted|needs?|requires?|should get)\b/i,
  /\b(?:rules?|steps?|instructions?|procedure|checklist|details|wording|suppliers?|owners?)\b(?:[^.!?\n]|\.(?=\S)){0,40}\b(?:is|are|in|at|on|from|under)\b/i,
  /\b(?:handle|do|treat|process)\b(?:[^.!?\n]|\.(?=\S)){0,40}\b(?:by|per|procedure|checklist|protocol|list)\b/i,
];
const longestRequest = 8000;

/** Under which a task remembers it. */
export const delegatedKey = (hash: KeyedHash): string => hash('d:delegated');

export const isDelegating = (request: string): boolean =>
  handsOver.some((pattern) => pattern.test(request.slice(0, longestRequest)));
