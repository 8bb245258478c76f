/** As much of a browser as a sign-in needs: cookies by origin, redirects, and the press of a form's button. */
export interface Browser {
  /** Follows redirects; what comes in the end, and where. */
  open(url: string): Promise<Seen>;
  /** Presses the button of the only form of a page. */
  press(seen: Seen, more?: Readonly<Record<string, string>>): Promise<Seen>;
  readonly cookies: Map<string, Map<string, string>>;
}

export interface Seen {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** Where a browser would go from there by itself. */
  readonly refresh: string | null;
  /** Every address on the way. */
  readonly way: readonly string[];
}

export function openBrowser(): Browser {
  const cookies = new Map<string, Map<string, string>>();
  const send = async (
    url: string,
    init: { readonly method: string; readonly body?: string },
    from?: string,
  ): Promise<Seen> => {
    const way: string[] = [];
    let next: { readonly url: string; readonly method: string; readonly body?: string } = { url, ...init };
    for (let hops = 0; hops < 15; hops += 1) {
      const { origin } = new URL(next.url);
      const jar = cookies.get(origin) ?? new Map<string, string>();
      cookies.set(origin, jar);
      way.push(next.url);
      const response = await fetch(next.url, {
        method: next.method,
        redirect: 'manual',
        headers: {
          cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(next.method === 'POST' ? { origin: new URL(from ?? next.url).origin } : {}),
          ...(next.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(next.body === undefined ? {} : { body: next.body }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [pair = '', ...attributes] = line.split('; ');
        const equals = pair.indexOf('=');
        const isGone = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=Thu, 01 Jan 1970/i.test(one));
        if (isGone) jar.delete(pair.slice(0, equals));
        else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
      }
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || location === null)
        return {
          url: next.url,
          status: response.status,
          text: await response.text(),
          refresh: response.headers.get('refresh'),
          way,
        };
      await response.body?.cancel();
      next = { url: new URL(location, next.url).href, method: 'GET' };
    }
    throw new Error('too many redirects');
  };
  return {
    cookies,
    open: (url) => send(url, { method: 'GET' }),
    press: (seen, more = {}) => {
      const action = /<form[^>]*action="([^"]*)"/.exec(seen.text)?.[1] ?? seen.url;
      const fields = [...seen.text.matchAll(/<input[^>]*>/g)].flatMap(([input]): [string, string][] => {
        const name = /name="([^"]*)"/.exec(input)?.[1];
        return name === undefined ? [] : [[name, /value="([^"]*)"/.exec(input)?.[1] ?? '']];
      });
      const body = new URLSearchParams([...fields, ...Object.entries(more)]).toString();
      return send(new URL(action, seen.url).href, { method: 'POST', body }, seen.url);
    },
  };
}
