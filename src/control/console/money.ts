/** Budgets count in millionths of a cent; people read units of their currency, which estop does not know by name. */
export function money(microcents: number): string {
  const units = microcents / 100_000_000;
  if (microcents === 0) return '0';
  if (units < 0.01) return '< 0.01';
  return units >= 1_000 ? Math.round(units).toLocaleString('en') : units.toFixed(2);
}
