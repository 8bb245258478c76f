import { traceHeaders } from '../contract/tracing.ts';
import { type ErrorCode, EstopError, isErrorCode } from '../core/errors.ts';

/** Bounds what control or gateway can make this worker hold in memory. */
const maxBodyBytes = 4 * 1024 * 1024;

type Request = Omit<RequestInit, 'headers'> & { readonly headers: Readonly<Record<string, string>> };

export async function requestOf(url: URL, init: Request): Promise<Response> {
  try {
    return await fetch(url, { ...init, headers: { ...traceHeaders(), ...init.headers }, redirect: 'error' });
  } catch (cause) {
    throw new EstopError('upstream-unavailable', { detail: `${url.origin} cannot be reached`, cause });
  }
}

/** The body as JSON, or undefined: an answer that cannot be read is no answer. */
export async function readJson(response: Response): Promise<unknown> {
  const text = await readText(response);
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes)
      throw new EstopError('body-too-large', {
        detail: `${response.url} answered with more than ${maxBodyBytes} bytes`,
      });
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** RFC 9457: our own problem details carry the catalogue's code. */
export function ownCode(body: unknown): ErrorCode | undefined {
  return typeof body === 'object' && body !== null && 'code' in body && isErrorCode(body.code) ? body.code : undefined;
}

/** From elsewhere only the status is known. */
export function problemCode(body: unknown, status: number): ErrorCode {
  const said = ownCode(body);
  if (said !== undefined) return said;
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  return status >= 500 ? 'upstream-unavailable' : 'upstream-refused';
}
