import { expect, it } from 'vitest';
import { lookOf, looksLikeOurs } from '../../src/core/look-alike.ts';

it.each([
  ['send_email', 'send_emai1'],
  ['send_email', 'sendEmaiI'],
  ['transfer', 'transfeR'],
  ['modify_row', 'rnodify_r0w'],
  ['wipe', 'vvipe'],
  ['delete_8', 'clelete_b'],
])('%s and %s look alike', (one, other) => {
  expect(lookOf(other)).toBe(lookOf(one));
});

it.each([
  ['send_email', 'send_mail'],
  ['list_files', 'list_file'],
  ['get_user', 'get_users'],
])('%s and %s do not', (one, other) => {
  expect(lookOf(other)).not.toBe(lookOf(one));
});

it('what reads like our own name is told, however it is written', () => {
  for (const name of ['estop', 'e_stop', 'E5T0P', 'estop__start_task', 'est0p-tools'])
    expect(looksLikeOurs(name)).toBe(true);
  expect(looksLikeOurs('stop')).toBe(false);
});
