/** Tools that nobody has seen before, called by what they show: told from those that are called so and do something. */
import { describe, expect, it } from 'vitest';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { tool } from './held.ts';

const tier = (name: string, description: string, ...names: readonly string[]): string =>
  proposeProfile(tool(name, description, ...names)).tier;

describe('a tool that is called by what it shows', () => {
  it.each([
    ['pump.logs', 'Last lines of the log of a pump.', ['pump', 'tail']],
    ['letter_text', 'Text of a letter', ['letter_id']],
    ['quay.report', 'Weekly report.', ['quay']],
    ['harbour.thread', 'Forum thread', ['id']],
    ['price', 'Spot price in EUR', ['good']],
    ['manual', 'Vendor manual', ['device']],
    ['letters.fulltext', 'Full text of a letter.', ['id']],
    ['requests_inbox', 'Requests of guests.', ['day']],
    ['brief_lesen', 'Nachrichten und Briefe im Kasten', ['brief']],
    ['leerCarta', 'Texto de una carta', ['id']],
    ['ledger.read', 'Einen Brief lesen', ['id']],
  ])('looks: %s (%s)', (name, description, names) => {
    expect(tier(name, description, ...names)).toBe('read');
  });

  it.each([
    ['told what to say', 'letter_text', 'Text of a letter', ['letter_id', 'content']],
    ['told whom to reach', 'manual', 'Vendor manual', ['recipient']],
    ['given what lets in', 'price', 'Spot price in EUR', ['password']],
    ['called by a deed', 'print_log', 'Log of a pump.', ['pump']],
    ['called by a deed in front of a dot', 'purge.logs', 'Logs of a pump.', ['pump']],
    ['called by a word that is explained nowhere', 'zap_thread', 'Forum thread', ['id']],
    ['described as doing it', 'pump.logs', 'Log hours', ['pump']],
    ['described as doing it to it', 'pump.logs', 'Nuke logs', ['pump']],
    ['described as doing more', 'letter_text', 'Text of a letter that it sends', ['letter_id']],
    ['described in two sentences', 'letter_text', 'Text of a letter. Burns it.', ['letter_id']],
    ['for reporting somebody', 'forum.report', 'Report a post', ['post_id']],
    ['for pricing something', 'goods.price', 'Price the goods', ['goods']],
    ['for texting somebody', 'text', 'Text a guest', ['guest_id']],
    ['a deed of another language', 'karte_sperren', 'Karte im Kasten', ['karte']],
    ['a look and a deed of another language', 'karte_lesen', 'Karte lesen und sperren', ['karte']],
    ['a deed and a look of another language', 'loeschen_lesen', 'Brief lesen', ['brief']],
    ['German for emptying', 'leer_kasten', 'Kasten', ['kasten']],
    ['marked as read', 'letter.read', 'Marks a letter', ['id']],
  ])('is none that is %s: %s (%s)', (_why, name, description, names) => {
    expect(tier(name, description, ...names)).toBe('destructive');
  });

  it('is none where its server says that it acts', () => {
    const acting = { ...tool('manual', 'Vendor manual', 'device'), annotations: { destructiveHint: true } };
    expect(proposeProfile(acting).tier).toBe('destructive');
  });
});
