import { z } from 'zod';
import { lastEventIdHeader, notAnEvent } from '../../contract/event-id.ts';
import { EventsQuery } from '../../contract/http/events.ts';
import { EstopError } from '../../core/errors.ts';
import { getStop } from '../../store/stops.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isEventId } from '../events/event-feed.ts';
import { streamEvents as stream } from '../events/stream-events.ts';

export const streamEvents = defineEndpoint({
  method: 'get',
  path: '/v1/events',
  id: 'streamEvents',
  summary: 'Stops, obligations, tasks and approvals as they change (server-sent events; Last-Event-ID goes on)',
  permission: 'stop:read',
  input: { path: nothing, query: EventsQuery, body: nothing },
  answers: [
    {
      status: 200,
      description: 'Each event carries the present state of one thing',
      schema: z.string(),
      mediaType: 'text/event-stream',
    },
  ],
  problems: ['unknown-stop'],
  handle: async ({ query }, request, deps) => {
    const lastEventId = request.header(lastEventIdHeader);
    if (lastEventId !== undefined && !isEventId(lastEventId)) throw notAnEvent();
    if (query.stop !== undefined && (await getStop(deps.store, query.stop)) === undefined)
      throw new EstopError('unknown-stop');
    const times = deps.eventHeartbeatMs === undefined ? {} : { heartbeatMs: deps.eventHeartbeatMs };
    const subscription = {
      stopId: query.stop,
      lastEventId,
      signal: request.signal,
      isStillPermitted: request.isStillPermitted,
      cutOff: request.cutOff,
    };
    return new Response(stream(deps.events, subscription, times), {
      status: 200,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  },
});
