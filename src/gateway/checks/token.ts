import type { Check } from '../passage.ts';

/** Who asks: a task token of this environment, signed by us and not expired. */
export const checkToken: Check = (passage) => {
  const verdict = passage.host.tokens.read(passage.authorization);
  return verdict instanceof Promise ? verdict.then((settled) => take(passage, settled)) : take(passage, verdict);
};

function take(
  passage: Parameters<Check>[0],
  verdict: Awaited<ReturnType<typeof passage.host.tokens.read>>,
): ReturnType<Check> {
  if (!verdict.ok) return { kind: 'unauthenticated', code: verdict.code };
  passage.facts.claims = verdict.claims;
  return undefined;
}
