import { expect, it } from 'vitest';
import { storeUrl } from '../../src/runtime/settings.ts';

it.each([
  'postgresql://estop_stop:pw@store.internal:5432/estop',
  'postgres://estop_stop:p%2Cw@store.internal/estop?sslmode=verify-full',
])('the store is at one address: %s', (url) => {
  expect(storeUrl.safeParse(url)).toEqual({ success: true, data: url });
});

it.each([
  'postgresql://estop_stop:pw@one.internal:5432,other.internal:5432/estop',
  'postgresql://estop_stop:pw@one.internal,other.internal/estop',
  'postgresql://estop_stop:pw@one.internal/estop?target_session_attrs=read-write',
])('several, or a wish for one of them, are refused, and what to do instead is said: %s', (url) => {
  const [problem] = storeUrl.safeParse(url).error?.issues ?? [];
  expect(problem?.message).toMatch(/must name one address, which leads to the primary/);
});
