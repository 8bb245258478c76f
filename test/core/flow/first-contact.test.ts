/** What tools of sets that nobody had looked at taught: which of them act, what they are done to, and what they are told. */
import { describe, expect, it } from 'vitest';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { tool } from './held.ts';

const tier = (name: string, description: string, ...names: readonly string[]): string =>
  proposeProfile(tool(name, description, ...names)).tier;

describe('a tool that is in charge of something', () => {
  it.each([
    ['ManageLampState', 'Manage the state of the lamps in a street.'],
    ['pump_state', 'The valve of a pump.'],
    ['control_display', 'Brightness of a display.'],
    ['manage_monitor', ''],
    ['start_check', ''],
    ['initiate_lookup', ''],
    ['delete_lookup', ''],
  ])('is not taken for one that looks: %s (%s)', (name, description) => {
    expect(tier(name, description)).toBe('destructive');
  });

  it.each([
    ['get_state', 'Gets the state of a pump.'],
    ['stat', 'Shows when a file was changed.'],
    ['query_registration', 'Queries the registration of a guest.'],
    ['check_reservation', 'Looks up a reservation.'],
    ['BirdManagerSearchTweets', 'Search for tweets by their tags.'],
    ['calendarDay', 'My calendar of a day.'],
    ['date_today', 'Date of today.'],
    ['audio_decode', 'Decodes a sound.'],
  ])('is told from %s (%s)', (name, description) => {
    expect(tier(name, description)).toBe('read');
  });

  it.each([
    ['query_registration', 'Registers a query.'],
    ['query_registration', ''],
    ['check_deployment', 'Deploys what was checked.'],
    ['search_tweet', 'Tweets what was searched.'],
  ])('what a deed has become acts unless its description looks: %s (%s)', (name, description) => {
    expect(tier(name, description)).toBe('destructive');
  });
});
