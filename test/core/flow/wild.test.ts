/** What somebody who writes into outputs, or names a tool badly, tried against lists, words and keys as they are found in the wild. */
import { describe, expect, it } from 'vitest';
import { proposeProfile } from '../../../src/core/flow/tool-profile.ts';

const profile = (name: string, description = '') =>
  proposeProfile({ name, description, inputSchema: { type: 'object', properties: { id: { type: 'string' } } } });

describe('a tool that acts', () => {
  it.each([
    ['ticket_status', 'Update status of a ticket'],
    ['availability', 'Set availability'],
    ['user_status', 'Post status'],
    ['account_balance', 'Transfer balance'],
    ['daily_report', 'Email report'],
    ['content', 'Move content'],
    ['time', 'Log time'],
    ['get_customer', 'Find customer and charge card'],
    ['check_balance', 'Check balance and transfer money'],
    ['get_goods', 'Finds and purchases goods'],
    ['list_jobs', 'Lists and runs jobs'],
    ['screenshot_share', ''],
    ['hover_click', ''],
    ['ls_delete', ''],
    ['cat_feeder', 'Feeds the cat'],
    ['zoom_meetings', 'Creates a Zoom meeting'],
  ])('is not taken for one that looks: %s, %j', (name, description) => {
    expect(profile(name, description).tier).toBe('destructive');
  });

  it.each([
    ['find_user', 'Find user by name, email or number'],
    ['take_screenshot', 'Takes a screenshot'],
    ['list_snapshots', ''],
    ['cat_file', ''],
    ['ls', ''],
    ['page_scroll', 'Scrolls the page'],
  ])('is told from %s, %j', (name, description) => {
    expect(profile(name, description).tier).toBe('read');
  });
});
