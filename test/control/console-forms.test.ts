import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askingOnly, standingOf } from '../../src/control/console/offer.ts';
import { forms } from '../../src/control/console/pages.ts';
import type { Visit } from '../../src/control/console/visit.ts';
import { isPermitted } from '../../src/control/permission.ts';
import { listStops } from '../../src/control/routes/list-stops.ts';
import { noteStop } from '../../src/control/routes/note-stop.ts';
import { resetStop } from '../../src/control/routes/reset-stop.ts';
import type { Caller } from '../../src/control/sign-in/caller.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';

const folder = join(packageRoot, 'src', 'control', 'console');
/** The stop process judges a stop, and leaving needs no right. */
const others = ['layout.ts', 'stop-dialog.ts', 'stop-form-page.ts'];

const visitOf = (caller: Partial<Caller>): Visit => {
  const whole: Caller = { actor: 'olga', roles: ['operator'], ...caller };
  return {
    caller: whole,
    may: (permission: Parameters<Visit['may']>[0]) => isPermitted(whole, permission),
    ask: async (endpoint: { readonly id: string }) => endpoint.id,
  } as unknown as Visit; // what is not looked at here is not there
};
const elevation = { elevationId: 'elev_test_x', role: 'admin', until: '2099-01-01T00:00:00.000Z' } as const;

describe('the forms of the console', () => {
  it('are made in one place, which looks at what their endpoints say', () => {
    const byHand = readdirSync(folder)
      .filter((file) => file.endsWith('.ts') && file !== 'offer.ts' && !others.includes(file))
      .filter((file) => /<form[^>]*method="?post/i.test(readFileSync(join(folder, file), 'utf8')));
    expect(byHand).toEqual([]);
    for (const file of others) expect(readFileSync(join(folder, file), 'utf8')).toMatch(/<form method="post"/);
    expect(forms.filter(({ asks, path }) => asks.length === 0 && path !== '/stop')).toEqual([]);
  });

  it('are open to whoever may, are nobody else’s, and wait where a role was taken for a while', () => {
    expect(standingOf(visitOf({}), { asks: [resetStop] })).toBe('open');
    expect(standingOf(visitOf({ elevation }), { asks: [resetStop] })).toBe('elevated');
    expect(standingOf(visitOf({ elevation }), { asks: [noteStop] })).toBe('open');
    expect(standingOf(visitOf({ elevation }), { asks: [noteStop, resetStop] })).toBe('elevated');
    expect(standingOf(visitOf({ roles: ['viewer'], elevation }), { asks: [resetStop] })).toBe('not-yours');
  });

  it('change nothing but what they say that they change', async () => {
    const visit = askingOnly(visitOf({}), { path: '/stops/:id/note', asks: [noteStop] });
    expect(await visit.ask(noteStop)).toBe('noteStop');
    expect(await visit.ask(listStops)).toBe('listStops');
    expect(() => visit.ask(resetStop)).toThrow('/stops/:id/note does not ask resetStop');
  });
});
