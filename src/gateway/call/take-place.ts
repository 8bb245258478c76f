import { type Denial, known, type Passage } from '../passage.ts';

/** Whoever has as many calls under way there as are left for others comes again later. */
export function takePlace({ host, facts }: Passage, where: string): Denial | undefined {
  const leave = host.places.enter(where, known(facts.claims).agentId);
  if (leave === undefined) return { kind: 'unavailable', code: 'busy' };
  facts.leave = leave;
  return undefined;
}
