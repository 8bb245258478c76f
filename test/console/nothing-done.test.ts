import { expect, it } from 'vitest';
import { makeControl } from '../control/rig.ts';
import { origin, peopleRig } from '../control/sign-in/people.ts';
import { storeWhere } from '../control/store-where.ts';
import { fence, stop } from '../store/ledger.ts';

it('a form that is sent while the store cannot say who sent it did nothing, says so, and leads back', async () => {
  const people = peopleRig(await makeControl(), {
    roles: [{ role: 'operator', people: ['olga@example.org'], groups: [] }],
  });
  const cookie = await people.signIn('olga@example.org');
  const { stopId } = await stop(people.rig.ledger, 'model:large');
  await fence(people.rig.ledger, stopId);
  const { callers } = people.rig.deps;
  const away = people.rig.withDeps({
    callers: {
      ...callers,
      find: async (credential) => {
        const found = await callers.find(credential);
        return found && { ...found, isFromMemory: true };
      },
    },
    store: storeWhere(people.rig.deps.store, ['reset'], async () => Promise.reject(new Error('nobody may come here'))),
  });
  const page = await away.call('POST', `/stops/${stopId}/reset`, {
    raw: new URLSearchParams({ once: 'ab'.repeat(16), typed: 'model:large', reason: 'mended' }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, origin },
  });
  const words = page.text.replaceAll(/<[^>]*>/g, '');
  expect(page.status).toBe(503);
  expect(words).toContain(
    'Nothing was done. Send it again once the store can be read, from the page that it belongs to.',
  );
  expect(words).not.toContain('It may have been done');
  expect(page.text).toContain(`<a href="/stops/${stopId}">the page that it belongs to</a>`);
});
