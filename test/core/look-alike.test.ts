import { expect, it } from 'vitest';
import { lookOf, looksLikeOurs } from '../../src/core/look-alike.ts';

it.each([
  ['send_email', 'send_emai1'],
  ['send_email', 'sendEmaiI'],
  ['transfer', 'transfeR'],
  ['modify_row', 'rnodify_r0w'],
  ['wipe', 'vvipe'],
  ['delete_8', 'clelete_b'],
  ['delete', 'c1elete'],
  ['delete', 'cIe1ete'],
  ['modify', 'rnoc1ify'],
  ['delete', 'd3l3te'],
  ['size', '5i23'],
  ['fetch', 'fe7ch'],
  ['vw', 'wv'],
  ['vw', 'vvv'],
])('%s and %s look alike', (one, other) => {
  expect(lookOf(other)).toBe(lookOf(one));
});

it.each([
  ['send_email', 'send_mail'],
  ['list_files', 'list_file'],
  ['get_user', 'get_users'],
  ['step_6', 'step_9'],
  ['step_6', 'step_8'],
])('%s and %s do not', (one, other) => {
  expect(lookOf(other)).not.toBe(lookOf(one));
});

/** As somebody would go on who has found one letter that is drawn like another. */
const steps: readonly (readonly [string, string])[] = (
  'd=cl m=rn w=vv l=1 l=i i=1 o=0 z=2 e=3 a=4 s=5 t=7 b=8 g=9'.split(' ').map((pair) => pair.split('=')) as [
    string,
    string,
  ][]
) // each is two
  .flatMap(([one, other]) => [[one, other] as const, [other, one] as const]);

it.each(['delete_world', 'modify_wallet', 'send_mail', 'vvvw', 'clcl1', 'rnrn'])(
  'no chain of such steps leads away from the look of %s',
  (name) => {
    const met = new Set([name]);
    for (const from of met) {
      if (met.size > 3_000) break;
      for (const [one, other] of steps)
        for (let at = from.indexOf(one); at >= 0; at = from.indexOf(one, at + 1))
          met.add(from.slice(0, at) + other + from.slice(at + one.length));
    }
    expect(met.size).toBeGreaterThan(3);
    expect([...met].filter((other) => lookOf(other) !== lookOf(name))).toEqual([]);
  },
);

it('no digit reads like another', () => {
  expect(new Set([...'0123456789'].map(lookOf)).size).toBe(10);
});

it('what reads like our own name is told, however it is written', () => {
  for (const name of ['estop', 'e_stop', 'E5T0P', 'estop__start_task', 'est0p-tools'])
    expect(looksLikeOurs(name)).toBe(true);
  expect(looksLikeOurs('stop')).toBe(false);
});
