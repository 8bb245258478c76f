import type { BreakerTrip } from '../contract/http/limits.ts';
import type { BreakerTripRecord } from '../store/breakers.ts';

export function showTrip(trip: BreakerTripRecord): BreakerTrip {
  const { agentId, breaker, action, measured, most, withinMs, sample, trippedAt } = trip;
  return {
    agentId,
    breaker,
    action,
    measured,
    most,
    withinMs,
    sample,
    trippedAt,
    stopId: trip.stopId ?? null,
    clearedAt: trip.clearedAt ?? null,
    clearedBy: trip.clearedBy ?? null,
    clearReason: trip.clearReason ?? null,
  };
}
