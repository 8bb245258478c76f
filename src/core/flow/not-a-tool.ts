import type { FlowCall } from './call.ts';

/** Resources, prompts and whatever else a server says of itself: read, and written by nobody whom the user named. */
export const notATool: FlowCall = {
  profile: {
    name: 'resource',
    tier: 'read',
    because: 'it is no tool',
    families: [],
    verb: 'read',
    arguments: [],
    labels: ['private', 'untrusted'],
  },
  args: {},
};

/** What a server is told in answer to a question of its own, where no tool is called: like a write, by what it says. */
export function answerTo(server: string, said: unknown): FlowCall {
  return {
    profile: {
      name: server,
      tier: 'write',
      because: 'it tells a server what the server asked for',
      families: [],
      verb: 'answer',
      arguments: [],
      labels: [],
    },
    args: { [answersName]: withoutItsForm(said) },
  };
}

/** No tool has an argument of this name. */
export const answersName = 'estop answers';

const words: Readonly<Record<string, readonly unknown[]>> = {
  action: ['accept', 'decline', 'cancel'],
  role: ['assistant', 'user'],
  type: ['text', 'image', 'audio'],
};
/** An answer by the name of its question, in it what is said, in that one part of it. */
const deepest = 4;

/** The few words that every answer has whoever gives it come from nowhere, and say nothing. */
export function withoutItsForm(said: unknown, depth = 0): unknown {
  if (Array.isArray(said)) return said.map((one) => withoutItsForm(one, depth + 1));
  if (typeof said !== 'object' || said === null || depth >= deepest) return said;
  return Object.fromEntries(
    Object.entries(said)
      .filter(([key, value]) => !(Object.hasOwn(words, key) && words[key]?.includes(value) === true))
      .map(([key, value]) => [key, withoutItsForm(value, depth + 1)]),
  );
}
