/**
 * What a client asks of a provider by `anthropic-beta`. One may double the price of a long prompt or of speed, or let the provider do
 * more than answer; the next is made tomorrow. So those pass that estop.yaml names, and a call with any other is refused.
 */
import type { ModelSpec } from '../../contract/config.ts';

type Headers = Readonly<Record<string, string>>;

/** Part of the protocol by now, and asked for without a header; whoever names it says that the price of writing holds for an hour. */
export const longCache = 'extended-cache-ttl-2025-04-11';

export const betasIn = (headers: Headers): readonly string[] =>
  (headers['anthropic-beta'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

export function faultInBetas({ betas = [] }: ModelSpec, headers: Headers): string | undefined {
  const unknown = betasIn(headers).find((name) => !betas.includes(name));
  if (unknown === undefined) return undefined;
  return `the beta ${JSON.stringify(unknown.slice(0, 64))} may have another price or effect; estop.yaml may name it under betas of this model`;
}
