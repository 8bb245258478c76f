import { type StatefulAuthorizationCall, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';

/** What Cedar said, or that it said nothing to rely on. Whoever reads this denies unless it says `allow`. */
export type Evaluation =
  | { readonly kind: 'allow' | 'deny'; readonly ids: readonly string[] }
  | { readonly kind: 'failed'; readonly why: string };

/** A slice, never the whole world: what Cedar is given it parses for each call. */
const mostEntities = 16;

/** Answers by the whole text of what was asked. Whoever changes policies or a schema under their names empties it. */
export type Answers = Map<string, Evaluation>;
const mostAnswers = 2_000;
/** An agent says how long its arguments are; all that is remembered together must fit in memory. */
const longestQuestion = 8_192;

/**
 * Cedar's answer follows from what it is given and nothing else, so that the same question has the same answer; only whole answers
 * are remembered, never a failure. The facts of most calls are those of the call before.
 */
export function evaluateOnce(call: StatefulAuthorizationCall, answers: Answers): Evaluation {
  const unfit = unfitIn(call);
  if (unfit !== undefined) return { kind: 'failed', why: unfit };
  const question = JSON.stringify(call);
  const known = answers.get(question);
  if (known !== undefined) return known;
  const answer = ask(call);
  if (answer.kind === 'failed' || question.length > longestQuestion) return answer;
  if (answers.size >= mostAnswers) answers.clear();
  answers.set(question, answer);
  return answer;
}

/**
 * Cedar leaves out a policy that errors, so a `forbid` that errors does not deny: an answer with any error in it is no answer. It
 * does not say when an entity is missing either, so that is looked at first.
 */
export function evaluate(call: StatefulAuthorizationCall): Evaluation {
  const unfit = unfitIn(call);
  return unfit === undefined ? ask(call) : { kind: 'failed', why: unfit };
}

function ask(call: StatefulAuthorizationCall): Evaluation {
  try {
    const answer = statefulIsAuthorized({ ...call, validateRequest: true });
    if (answer.type !== 'success') return { kind: 'failed', why: messages(answer.errors) };
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0)
      return { kind: 'failed', why: messages(diagnostics.errors.map(({ error }) => error)) };
    if (decision !== 'allow' && decision !== 'deny') return { kind: 'failed', why: 'an answer that is none' };
    return { kind: decision, ids: diagnostics.reason };
  } catch (thrown) {
    return { kind: 'failed', why: String(thrown) };
  }
}

function unfitIn({ principal, action, resource, context, entities }: StatefulAuthorizationCall): string | undefined {
  if (entities.length > mostEntities) return 'more entities than one call needs';
  const held = new Set(entities.map(({ uid }) => keyOf(uid)));
  for (const uid of [principal, resource]) if (!held.has(keyOf(uid))) return `${keyOf(uid)} is not among the entities`;
  if (keyOf(action) === undefined) return 'it names no action';
  return numberFault(context);
}

function keyOf(uid: StatefulAuthorizationCall['principal']): string | undefined {
  const { type, id } = '__entity' in uid ? uid.__entity : uid;
  return type === '' || id === '' ? undefined : `${type}::${JSON.stringify(id)}`;
}

/** Whole numbers that both sides hold exactly: money is cents. */
function numberFault(value: unknown): string | undefined {
  if (typeof value === 'bigint') return 'a number that is too large';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? undefined : `${value} is no whole number`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const part of Object.values(value)) {
    const fault = numberFault(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const messages = (errors: readonly { readonly message: string }[]): string =>
  errors
    .map(({ message }) => message)
    .join('; ')
    .slice(0, 500);
