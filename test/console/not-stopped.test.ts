import { expect, it } from 'vitest';
import { makeControl } from '../control/rig.ts';
import { newId } from '../store/ledger.ts';

it('a stop that nobody acknowledged is sent again as the same order: its id, its category and its reason', async () => {
  const rig = (await makeControl()).withDeps({ stopUrl: 'http://127.0.0.1:1' });
  const stopId = newId('stop');
  const fields = { scope: 'agent:billing-bot', stopId, category: '1', reason: 'it "pays" twice' };
  const page = await rig.call('POST', '/stop', {
    as: 'olga@operator',
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(page.status).toBe(503);
  const [, form = ''] =
    /<main[^>]*>[\s\S]*?<form method="post" action="\/stop"[^>]*>([\s\S]*?)<\/form>/.exec(page.text) ?? [];
  const sent = Object.fromEntries(
    [...form.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  expect(sent).toEqual({ ...fields, reason: 'it &quot;pays&quot; twice' });
  expect(page.text).toContain(`--stop-id ${stopId} --category 1`);
});
