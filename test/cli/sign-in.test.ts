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

describe('estop token, whoami, people and elevate', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  it('a token is printed once, alone, and works until it is revoked', async () => {
    const made = await rig.run(['token', 'create', 'report', '--role', 'viewer', '--days', '7']);
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^estop_test_[A-Za-z0-9_-]{43}\n$/)]);
    const env = { ESTOP_TOKEN: made.stdout.trim() };
    expect((await rig.run(['whoami'], { env })).stdout).toMatch(/report/);
    expect(
      (await rig.run(['reset', 'stop_test_01h2xcejqtf2nbrexx3vqjhp41', '--reason', 'x', '--yes'], { env })).code,
    ).toBe(4);
    const listed = JSON.parse((await rig.run(['token', 'ls', '--json'])).stdout) as {
      items: { tokenId: string; usedAt: string | null }[];
    };
    expect(listed.items[0]?.usedAt).not.toBeNull();
    expect((await rig.run(['token', 'revoke', listed.items[0]?.tokenId ?? ''])).stdout).toBe('revoked\n');
    expect((await rig.run(['whoami'], { env })).code).toBe(4);
  });

  it('nobody gives more than they have', async () => {
    const refused = await rig.run(['token', 'create', 'x', '--role', 'admin'], {
      env: { ESTOP_TOKEN: rig.tokens.viewer },
    });
    expect([refused.code, refused.stdout]).toEqual([4, '']);
  });

  it('a role is taken only by whom estop.yaml names', async () => {
    expect((await rig.run(['elevate', '--role', 'operator'])).code).toBe(2);
    const refused = await rig.run(['elevate', '--role', 'operator', '--reason', 'x']);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('breakGlass')]);
    expect((await rig.run(['elevate', 'ls'])).code).toBe(0);
  });

  it('what was done under one is shown whole, however many pages it is', async () => {
    const { sql } = rig.ledger;
    await sql(
      "INSERT INTO estop.people (person_id, issuer, subject, name, person) VALUES ('p', 'i', 's', 'eli', 'eli')",
    );
    const id = 'elev_test_01h2xcejqtf2nbrexx3vqjhp41';
    await sql(
      `INSERT INTO estop.elevations (elevation_id, person_id, name, person, role, reason, life_ms, rule, granted_at, ends_at)
       VALUES ($1, 'p', 'eli', 'eli', 'operator', 'the pager', 60000, 'review', now(), now())`,
      [id],
    );
    await sql(
      `INSERT INTO estop.audit (kind, actor, subject, detail)
       SELECT 'elevation.used', 'eli', 'elevation:' || $1, jsonb_build_object('what', 'holdTask', 'path', '/v1/tasks/' || n) FROM generate_series(1, 405) n`,
      [id],
    );
    const shown = await rig.run(['elevate', 'show', id]);
    expect(shown.stdout.match(/holdTask {2}\/v1\/tasks\/\d+$/gm)).toHaveLength(405);
    const whole = JSON.parse((await rig.run(['elevate', 'show', id, '--json'])).stdout) as { used: unknown[] };
    expect(whole).toMatchObject({ usedInAll: 405, next: null });
    expect(whole.used).toHaveLength(405);
  });

  it('where there is no identity provider, login says so', async () => {
    const refused = await rig.run(['login']);
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('signIn.oidc')]);
    expect((await rig.run(['logout'])).code).toBe(2);
    expect((await rig.run(['people', 'ls'])).code).toBe(0);
  });
});
