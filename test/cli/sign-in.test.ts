import { beforeAll, describe, expect, it } from 'vitest';
import { type CliRig, makeCliRig } from './rig.ts';

describe('estop console', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  it('prints a link on standard output alone, and the link signs in', async () => {
    const ran = await rig.run(['console', '--page', '/stops']);
    expect([ran.code, ran.stdout.trim().split('\n').length]).toEqual([0, 1]);
    const url = new URL(ran.stdout.trim());
    expect(url.origin).toBe(new URL(rig.control.deps.controlUrl).origin);
    const entered = await fetch(new URL(`${url.pathname}${url.search}`, rig.control.url), {
      method: 'POST',
      headers: { origin: url.origin },
      redirect: 'manual',
    });
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/stops']);
  });
});
