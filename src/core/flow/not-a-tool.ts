import type { FlowCall } from './call.ts';
import { roleOfName, type ToolArgument } from './tool/tool-argument.ts';

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
    args: answersIn(said),
    addresses: [],
  };
}

/** In the middle of a call of a tool it goes out like more arguments of that call. */
export const withAnswers = (call: FlowCall, said: unknown): FlowCall =>
  said === undefined ? call : { ...call, args: { ...call.args, ...answersIn(said) } };

interface Told {
  /** Arguments of a prompt or of a completion, as they come. */
  readonly values?: unknown;
  /** URIs, and names, that the agent's own list does not have to the letter. */
  readonly addresses?: readonly string[];
  /** To the server's own questions. */
  readonly answers?: unknown;
}

/** What a server is told with what is asked of it besides its tools: like a write, and every word of it is looked at. */
export function toldTo(server: string, { values, addresses = [], answers }: Told): FlowCall {
  const { profile } = answerTo(server, {});
  const said = wordsIn(values);
  return {
    profile: {
      ...profile,
      because: 'it says something to a server',
      verb: 'tell',
      arguments: said.map(({ argument }) => argument),
    },
    args: {
      ...Object.fromEntries(said.map(({ argument, text }) => [argument.name, text])),
      ...(answers === undefined ? {} : answersIn(answers)),
    },
    addresses,
  };
}

interface Word {
  readonly argument: ToolArgument;
  readonly text: string;
}

/** All of it together; more is one long text, of which nobody says where it comes from. */
const mostSaid = 16_000;
const mostWords = 1_000;
const deepestWord = 12;

/** Each by itself, and the names under which they stand as well: no schema says what they may be called. */
function wordsIn(values: unknown): readonly Word[] {
  const words: Word[] = [];
  const say = (name: string, role: ToolArgument['role'], text: string): void => {
    words.push({ argument: { name: `${words.length} ${name}`, role, required: true, fallback: undefined }, text });
  };
  const walk = (held: unknown, name: string, depth: number): void => {
    if (typeof held === 'string' || typeof held === 'number')
      return say(name, roleOfName(name, 'write') ?? 'text', String(held));
    if (typeof held !== 'object' || held === null) return;
    if (depth >= deepestWord || words.length >= mostWords) return say(name, 'text', JSON.stringify(held));
    if (Array.isArray(held)) {
      for (const one of held) walk(one, name, depth + 1);
      return;
    }
    for (const [key, one] of Object.entries(held)) {
      say(name, /^[\w.-]{1,64}$/.test(key) ? 'ref' : 'text', key);
      walk(one, key, depth + 1);
    }
  };
  const whole = values === undefined ? '' : JSON.stringify(values);
  if (whole.length > mostSaid) say('', 'text', whole);
  else walk(values, '', 0);
  return words;
}

/** No tool has an argument of these names. */
const answersName = 'estop answers';

/** Its free text is looked at whatever it is called. */
export const isOfAnswers = ({ argument }: { readonly argument: string }): boolean => argument.startsWith(answersName);

/** Under which names it is said is the agent's to choose as well. */
function answersIn(said: unknown): FlowCall['args'] {
  const kept = withoutItsForm(said);
  const names = new Set<string>();
  const walk = (held: unknown, depth: number): void => {
    if (typeof held !== 'object' || held === null || depth > deepestWord) return;
    for (const [name, one] of Object.entries(held)) {
      if (!Array.isArray(held)) names.add(name);
      walk(one, depth + 1);
    }
  };
  walk(kept, 0);
  return { [answersName]: kept, [`${answersName}, their names`]: [...names] };
}

const words: Readonly<Record<string, readonly unknown[]>> = {
  action: ['accept', 'decline', 'cancel'],
  role: ['assistant', 'user'],
  type: ['text', 'image', 'audio'],
};
/** An answer by the name of its question, in it what is said, in that one part of it. */
const deepest = 4;

/** The few words that every answer has whoever gives it come from nowhere, and say nothing. */
function withoutItsForm(said: unknown, depth = 0): unknown {
  if (Array.isArray(said)) return said.map((one) => withoutItsForm(one, depth + 1));
  if (typeof said !== 'object' || said === null || depth >= deepest) return said;
  return Object.fromEntries(
    Object.entries(said)
      .filter(([key, value]) => !(Object.hasOwn(words, key) && words[key]?.includes(value) === true))
      .map(([key, value]) => [key, withoutItsForm(value, depth + 1)]),
  );
}
