import type { FlowCall } from './call.ts';

/** Resources, prompts and whatever else a server says of itself: read, and written by nobody whom the user named. */
export const notATool: FlowCall = {
  profile: {
    name: 'resource',
    tier: 'read',
    because: 'it is no tool',
    families: [],
    verb: 'read',
    arguments: [],
    labels: ['private', 'untrusted'],
  },
  args: {},
};
