import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepCompany } from '../../src/activities/company.ts';

const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a crowd begins what it can for its time, leaves some more for what it has begun, and parts then in any case', () => {
  const company = keepCompany(5_000, 3_000, never);
  vi.advanceTimersByTime(4_999);
  expect([company.isParting(), company.parted.aborted]).toEqual([false, false]);
  vi.advanceTimersByTime(2);
  expect([company.isParting(), company.parted.aborted]).toEqual([true, false]);
  vi.advanceTimersByTime(2_999);
  expect(company.parted.aborted).toBe(true);
});

it('a crowd parts when the first of it is needed elsewhere, and begins nothing so shortly before that', () => {
  const company = keepCompany(5_000, 3_000, never);
  company.neededIn(2_000);
  company.neededIn(1_000);
  company.neededIn(4_000);
  vi.advanceTimersByTime(700);
  expect(company.isParting()).toBe(false);
  vi.advanceTimersByTime(100);
  expect([company.isParting(), company.parted.aborted]).toEqual([true, false]);
  vi.advanceTimersByTime(200);
  expect(company.parted.aborted).toBe(true);
});

it('a crowd parts at once when nobody wants it any more', async () => {
  const unwanted = new AbortController();
  const company = keepCompany(5_000, 3_000, unwanted.signal);
  unwanted.abort();
  expect([company.isParting(), company.parted.aborted, await company.apart]).toEqual([true, true, undefined]);
  expect(keepCompany(5_000, 3_000, unwanted.signal).parted.aborted).toBe(true);
});
