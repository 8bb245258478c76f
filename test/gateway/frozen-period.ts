import type { FencePort } from '../../src/gateway/fence/fence-port.ts';

/** While it is frozen the renewals of the period go on with what was said last: what is new the gateway learns by asking for it. */
export const period = { isFrozen: false, beats: 0, underWay: new Set<Promise<unknown>>() };
export const frozenPeriod = (port: FencePort): FencePort => {
  let last: Awaited<ReturnType<FencePort['renew']>> | undefined;
  return {
    ...port,
    renew: async (gatewayId, afterGap, seenEpoch) => {
      const isBeat = /#beat\b/.test(new Error('who asks').stack ?? '');
      if (isBeat) period.beats += 1;
      // What it asks about is what was said last.
      if (isBeat && period.isFrozen && last !== undefined)
        return last.granted ? { ...last, seenOrder: last.newestOrder } : last;
      const renewing = port.renew(gatewayId, afterGap, seenEpoch);
      period.underWay.add(renewing);
      last = await renewing.finally(() => period.underWay.delete(renewing));
      return last;
    },
  };
};
export const freezePeriod = async (): Promise<void> => {
  period.isFrozen = true;
  await Promise.allSettled(period.underWay);
};
