import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { clientBed } from './client-bed.ts';
import { tokensSeen } from './rig.ts';

/** What a client has of its person ends with what its person has. */
export function clientsEnd(bed: ReturnType<typeof clientBed>): void {
  const { signedIn, aCode, exchange, sessions } = bed;
  const tokenOf = (as: string): string => createHash('sha256').update(as).digest('hex');

  it('goes on no longer once its person is shut out', async () => {
    const form = await aCode(await signedIn('walter@operator'));
    const given = await exchange(form);
    expect(given.status).toBe(200);
    const [person] = await bed.rig.ledger.sql("SELECT person_id FROM estop.people WHERE name = 'walter'", []);
    const whose = async () =>
      (await sessions()).filter((one) => one['requested_by'] === 'walter').map((one) => one['open']);
    expect(await whose()).toEqual([true]);
    const disabled = await fetch(`${bed.issuer}/v1/people/${String(person?.['person_id'])}:disable`, {
      method: 'POST',
      headers: { 'authorization': 'Bearer ada@admin', 'content-type': 'application/json' },
      body: '{}',
    });
    expect(disabled.status).toBe(200);
    // Not when its token ends: nothing is admitted for a task that is closed.
    expect(await whose()).toEqual([false]);
    const refresh_token = String(given.body['refresh_token']);
    const more = { grant_type: 'refresh_token', refresh_token, client_id: form.client_id };
    expect(await exchange(more)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it.each<[string, (hash: string) => void]>([
    ['the token that its person signed in by is withdrawn', (hash) => void tokensSeen.delete(hash)],
    [
      'no role of its person lets them start that agent any more',
      (hash) => void tokensSeen.set(hash, { actor: 'wanda', roles: ['viewer'] }),
    ],
  ])('goes on no longer once %s', async (_, change) => {
    const [code, form] = [await aCode(await signedIn('wanda@operator')), await aCode(await signedIn('wanda@operator'))];
    const given = await exchange(form);
    expect(given.status).toBe(200);
    const refresh_token = String(given.body['refresh_token']);
    change(tokenOf('wanda@operator'));
    const more = { grant_type: 'refresh_token', refresh_token, client_id: form.client_id };
    expect(await exchange(more)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    // Its owner needs no role.
    const owned = await aCode(await signedIn('vera@operator'));
    tokensSeen.set(tokenOf('vera@operator'), { actor: 'vera', roles: ['viewer'] });
    expect((await exchange(owned)).status).toBe(200);
  });
}
