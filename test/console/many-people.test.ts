import { expect, it } from 'vitest';
import { makeControl } from '../control/rig.ts';

it('an admin finds the one to disable among hundreds, and is told of those that are not shown', async () => {
  const { ledger, call } = await makeControl();
  await ledger.sql(
    `INSERT INTO estop.people (person_id, issuer, subject, name, person)
     SELECT 'person_test_' || lpad(n::text, 26, '0'), 'https://id.example.org', n::text, 'p' || lpad(n::text, 4, '0') || '@example.org', 'https://id.example.org#' || n
     FROM generate_series(1, 300) AS n`,
  );
  const shown = async (search = '') => {
    const { status, text } = await call('GET', `/people?search=${encodeURIComponent(search)}`, { as: 'adam@admin' });
    expect(status).toBe(200);
    return { text, names: [...text.matchAll(/<strong><bdi>(p\d{4})@/g)].map(([, name]) => name) };
  };
  const all = await shown();
  expect(all.names).toHaveLength(200);
  expect(all.text).toContain('100 more match. Search to find one.');
  const found = await shown('P0299@');
  expect(found.names).toEqual(['p0299']);
  expect(found.text).toContain(`name="id" value="person_test_${'299'.padStart(26, '0')}"`);
  expect(found.text).not.toContain('more match');
  expect((await shown('"><script>')).text).toContain('Nobody who signed in matches.');
});
