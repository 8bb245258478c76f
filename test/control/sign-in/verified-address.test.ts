import { expect, it } from 'vitest';
import { verifiedAddress } from '../../../src/control/sign-in/verified-address.ts';

const olga = { email: 'Olga@example.org', email_verified: true };

it.each<[string, Parameters<typeof verifiedAddress>[0], string | undefined]>([
  [
    'of the first answer that verified one',
    [olga, { email: 'other@example.org', email_verified: true }],
    'olga@example.org',
  ],
  [
    'of the second, where the first has one that nobody verified',
    [{ email: 'ada@example.org' }, olga],
    'olga@example.org',
  ],
  ['not the first’s by the word of the second', [{ email: 'ada@example.org' }, { email_verified: true }], undefined],
  ['not by a text that says so', [{ email: 'ada@example.org', email_verified: 'true' }], undefined],
])('a person is known by the address %s', (_which, answers, expected) => {
  expect(verifiedAddress(answers)).toBe(expected);
});
