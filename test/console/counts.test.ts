import { expect, it } from 'vitest';
import { resetStop } from '../../src/store/stops.ts';
import { requires } from '../kit/requires.ts';
import { fence, stop } from '../store/ledger.ts';
import { startConsole } from './rig.ts';

requires('chromium')('the number beside a place', () => {
  it('comes and goes on a page that stays open', async () => {
    const { open, control } = await startConsole();
    const { page } = await open('olga@operator');
    await page.goto('/');
    await page.locator('html[data-link=live]').waitFor();
    const count = page.locator('#count-stops');
    expect(await count.isVisible()).toBe(false);
    const { stopId } = await stop(control.ledger, 'connector:mail');
    await expect.poll(() => count.textContent(), { timeout: 20_000 }).toBe('1 in force');
    await fence(control.ledger, stopId);
    await resetStop(control.ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
    await expect.poll(() => count.isVisible(), { timeout: 20_000 }).toBe(false);
  }, 60_000);
});
