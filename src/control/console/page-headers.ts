import type { MiddlewareHandler } from 'hono';

const nothingAtAll = "default-src 'none'; frame-ancestors 'none'";

/** Of a page: its own stylesheet, script and picture, its own forms, and nothing written into it. */
const ofAPage = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** An answer that is no page needs nothing of what a page needs. */
export const contentPolicy: MiddlewareHandler = async (context, next) => {
  await next();
  const isPage = context.res.headers.get('content-type')?.startsWith('text/html') === true;
  context.res.headers.set('content-security-policy', isPage ? ofAPage : nothingAtAll);
};
