import type { FetchLike } from '@modelcontextprotocol/client';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { EstopError } from '../../core/errors.ts';

/** Of everything that one look at a server may bring, as it is after it was unpacked: a hundred times what a large server lists. */
export const mostListed = 32 * 1024 * 1024;
/**
 * For one look at a server: it is heard to an end, however much it has to say, and into however many pages it puts that. Where it
 * leads elsewhere the client itself does not follow.
 */
export function boundedFetch(): FetchLike {
  let size = 0;
  return async (url, init) => {
    const response = await fetch(url, init);
    const { status, statusText, headers } = response;
    const isStream = headers.get('content-type')?.toLowerCase().includes('event-stream') === true;
    const held = new GatheredBytes();
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        size += piece.length;
        if (size > mostListed) return controller.error(new EstopError('upstream-unavailable'));
        held.add(piece);
        // The client reads whatever it is given as something new: it is given whole lines, or the whole.
        if (isStream && (piece.includes(10) || piece.includes(13))) controller.enqueue(held.take());
      },
      flush: (controller) => controller.enqueue(held.take()),
    });
    return new Response(response.body?.pipeThrough(counted) ?? null, { status, statusText, headers });
  };
}
