// The one script of the console. Every page works without it; with it a page looks again by itself when something changed, the Stop
// opens as a dialog, and a console that is cut off says so. What a page says is always what the server sent: nothing is guessed here.
(() => {
  'use strict';
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const watched = (document.body.dataset.watch || '').split(' ').filter(Boolean);
  // By the clock of the server, as every other time of a page: that of a phone may be off.
  let ahead = 0;
  const hearClock = ({ headers }) => {
    const at = Date.parse(headers.get('date') || '');
    if (at) ahead = Date.now() - at;
  };
  const stamp = () => `${new Date(Date.now() - ahead).toISOString().slice(11, 19)} UTC`;

  // --- Is there anybody at the other end? Asked by every tab for itself, in requests that end.
  let misses = 0;
  let pinging;
  const setLink = (state) => {
    if (root.dataset.link === state) return;
    const before = root.dataset.link;
    root.dataset.link = state;
    one('#lost').hidden = !isLost();
    one('[data-lost-why]').hidden = state === 'out';
    one('[data-out-why]').hidden = state !== 'out';
    sayLink();
    if (!isLost()) unsent('');
    if (!isLost() && (before === 'lost' || before === 'out')) void refresh();
  };
  // Somebody answers, and what this page shows cannot be read anew: it is old, and its Stop works.
  const setOld = (isOld) => {
    const before = 'old' in root.dataset;
    root.toggleAttribute('data-old', isOld);
    sayLink();
    if (isOld) return;
    // Not under the hand of somebody who is about to stop something.
    if (one('[data-away]') && !one('#stop-dialog[open]')) location.reload();
    else if (before) void refresh();
  };
  // Never disabled: that nobody answered a question does not say that nobody would hear an order.
  const lookDead = () => all('a.stop, button.stop').forEach((stop) => (stop.ariaDisabled = isLost() ? 'true' : null));
  const unsent = (words) => (one('[data-unsent]').textContent = words);
  const isLost = () => root.dataset.link !== undefined && root.dataset.link !== 'live';
  // Where whoever takes orders does not answer control, the Stop looks dead, and pressing it is tried all the same.
  let isUnheard = false;
  const sayLink = () => {
    const [lost, { old, mute }] = [isLost(), root.dataset];
    lookDead();
    one('#old').hidden = lost || old === undefined;
    one('#mute').hidden = lost || mute === undefined;
    one('[data-link-words]').textContent = lost ? 'Not connected' : mute === '' ? 'Stop does not answer' : old === '' ? 'Not current' : 'Live';
    for (const part of all('[data-cut-off]')) part.hidden = !lost && mute === undefined && !isUnheard;
    for (const why of all('[data-cut-off-why]')) why.textContent = lost ? 'Not connected.' : 'Stop does not answer.';
  };
  const ping = async () => {
    clearTimeout(pinging);
    if (document.hidden) return;
    try {
      const answer = await fetch('/ping', { cache: 'no-store', signal: AbortSignal.timeout(4000) });
      // Whoever stands in between answers for what is gone, too.
      if (answer.status !== 204 && answer.status !== 401) throw new Error('not ours');
      misses = 0;
      hearClock(answer);
      setLink(answer.status === 401 ? 'out' : 'live');
      if (answer.status === 204) {
        root.toggleAttribute('data-mute', answer.headers.get('estop-stop') === 'away');
        setOld(answer.headers.get('estop-store') === 'away');
      }
    } catch {
      misses += 1;
      if (misses > 1) setLink('lost');
    }
    pinging = setTimeout(ping, misses > 0 ? 700 : 5000);
  };

  // --- Look again: the same page from the server, and of it the parts that may have changed.
  let seen = performance.now();
  let waiting;
  let isPressed = false;
  const soonest = watched.includes('obligation') ? 300 : 1000;
  const refresh = async () => {
    clearTimeout(waiting);
    waiting = undefined;
    seen = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(8000) });
      hearClock(answer);
      if (answer.status === 503) void ping();
      if (!answer.ok || answer.redirected) return;
      patch(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      for (const at of all('[data-lost-at]')) at.textContent = stamp();
    } catch {
      void ping();
    }
  };
  const refreshSoon = () => {
    if (document.hidden || waiting) return;
    waiting = setTimeout(refresh, Math.max(0, soonest - (performance.now() - seen)));
  };
  // Facts go on around a form: what somebody wrote into it moves along. Only where they write this very moment, or have ticked some of
  // what is listed, does a part stand still, and says so.
  const isTouched = ({ elements }) =>
    [...elements].some((field) => field.type !== 'hidden' && (field.value !== (field.defaultValue ?? field.value) || field.selectedIndex > 0));
  const nameOf = (form) => [form.action, ...all('input[type=hidden]:not([name=once])', form).map(({ value }) => value)].join(' ');
  const standStill = (form) => {
    if (!form || one('[data-stands]', form.parentNode)) return;
    const note = document.createElement('p');
    note.className = 'note warn';
    note.dataset.stands = '';
    note.textContent = `Something changed here at ${stamp()}. It is shown when you are done with this form.`;
    form.after(note);
  };
  const patch = (fresh) => {
    if (isPressed) return refreshSoon();
    for (const part of all('[data-live]')) {
      const next = fresh.getElementById(part.id);
      // What names its state holds a form: until that state changes the form stays, and what somebody wrote into it.
      if (!next || 'unknown' in next.dataset || (part.dataset.live ? next.dataset.live === part.dataset.live : next.outerHTML === part.outerHTML)) continue;
      const active = part.contains(document.activeElement) ? document.activeElement : undefined;
      // Somebody writes there, or has chosen something: leave it alone until they are done.
      const busy = active && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName) ? active : one('input:checked', part);
      if (busy) {
        standStill(busy.form);
        continue;
      }
      const renewed = all('form', next);
      for (const form of all('form', part).filter(isTouched)) renewed.find((one) => nameOf(one) === nameOf(form))?.replaceWith(form);
      const open = all('details[open]', part).map((details) => details.id);
      const again = active && (active.id ? `#${CSS.escape(active.id)}` : active.getAttribute('href') && `a[href="${CSS.escape(active.getAttribute('href'))}"]`);
      part.replaceWith(next);
      for (const id of open) if (id && document.getElementById(id)) document.getElementById(id).open = true;
      if (again) one(again, next)?.focus({ preventScroll: true });
    }
    lookDead();
  };

  // --- One stream for all tabs: a browser opens six connections to a place, and a seventh tab would never load. The tab that holds the
  // lock reads the stream and tells the others. A hidden tab holds nothing.
  const others = 'BroadcastChannel' in window ? new BroadcastChannel('estop') : undefined;
  const heard = (name) => {
    if (watched.includes(name) || name === 'hello') refreshSoon();
  };
  if (others) others.onmessage = ({ data }) => heard(data);
  let leading;
  const lead = () => {
    if (leading || document.hidden || watched.length === 0 || !navigator.locks) return;
    const abort = new AbortController();
    leading = abort;
    const hold = () =>
      new Promise((done) => {
        const stream = new EventSource('/events');
        abort.signal.addEventListener('abort', () => {
          stream.close();
          done();
        });
        for (const name of ['stop', 'obligation', 'task', 'approval', 'breaker', 'hello'])
          stream.addEventListener(name, () => {
            heard(name);
            others?.postMessage(name);
          });
        stream.onerror = () => {
          void ping();
          if (stream.readyState === EventSource.CLOSED) setTimeout(() => letGo(), 3000);
        };
      });
    navigator.locks.request('estop-stream', { signal: abort.signal }, hold).catch(() => undefined);
  };
  const letGo = () => {
    leading?.abort();
    leading = undefined;
    if (!document.hidden) setTimeout(lead, 200);
  };
  const wake = () => {
    if (document.hidden) {
      leading?.abort();
      leading = undefined;
      clearTimeout(pinging);
      return;
    }
    void ping();
    lead();
    if (watched.length > 0) refreshSoon();
  };
  document.addEventListener('visibilitychange', wake);
  addEventListener('pagehide', () => leading?.abort());
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    leading = undefined;
    wake();
  });
  // Nothing is replaced under a finger; and whoever is done with a form sees what it kept back.
  for (const name of ['pointerdown', 'pointerup', 'pointercancel'])
    addEventListener(name, () => (isPressed = name === 'pointerdown'), true);
  for (const name of ['focusout', 'change']) document.addEventListener(name, () => one('[data-stands]') && refreshSoon());
  addEventListener('offline', () => setLink('lost'));
  addEventListener('online', ping);
  // Without a lock there is no stream: then, and for ages that grow, it looks again every so often.
  setInterval(() => {
    if (!document.hidden && watched.length > 0 && performance.now() - seen > (navigator.locks ? 15000 : 4000)) refreshSoon();
  }, 1000);

  // Where somebody is, in a row of places that is wider than a phone.
  one('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // --- The Stop.
  const dialog = one('#stop-dialog');
  const form = dialog && one('form', dialog);
  const confirm = form && one('[data-confirm]', form);
  const note = form && one('[data-preview]', form);
  const words = (scope) =>
    scope === 'fleet' ? 'everything' : scope.startsWith('label:') ? `all with ${scope.slice(6)}` : scope.replace(/^task:.*(.{6})$/, 'task …$1').replace(':', ' ');
  const chosen = () => form.elements.scope.value || 'fleet';
  let asked = 0;
  const preview = async () => {
    const scope = chosen();
    const mine = ++asked;
    confirm.textContent = `Stop ${words(scope)} now${scope === 'fleet' ? ' · count not known yet' : ''}`;
    one('[data-scope]', form).textContent = scope;
    note.textContent = '';
    try {
      const answer = await fetch(`/stop/preview?scope=${encodeURIComponent(scope)}`, { signal: AbortSignal.timeout(4000) });
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (!answer.ok || mine !== asked) return;
      note.replaceChildren(...fresh.body.childNodes);
      const count = one('[data-count]', note)?.dataset.count;
      if (scope === 'fleet') confirm.textContent = `Stop everything now · ${count || 'count not known'}`;
    } catch {
      // The button says what it stops; how much that is nobody waits for.
    }
  };
  const openDialog = (scope) => {
    if (!dialog || dialog.open) return;
    const context = one('[data-context]', form);
    if (scope && scope !== 'fleet') {
      context.hidden = false;
      one('input', context).value = scope;
      one('span', context).textContent = words(scope);
      one('input', context).checked = true;
    }
    dialog.showModal();
    confirm.focus();
    void preview();
  };
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    const isPlain = link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (isPlain && dialog && (link.dataset.stop || (isLost() && link.classList.contains('stop')))) {
      event.preventDefault();
      openDialog(link.dataset.stop || new URL(link.href).searchParams.get('scope'));
    } else if (isPlain && root.dataset.link === 'lost' && link.origin === location.origin && link.getAttribute('href')[0] !== '#') {
      // What stands here, and the way to stop without it, is more than the browser's own page of an error.
      event.preventDefault();
      const there = fetch(link.href, { signal: AbortSignal.timeout(4000) }).catch(() => ({ ok: false }));
      void there.then(({ ok }) => (ok ? location.assign(link.href) : unsent('There is nobody to ask for that page.')));
    }
    if (event.target.closest?.('[data-close]')) dialog.close();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'k' || !event.shiftKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    openDialog(one('.top a[data-stop]')?.dataset.stop);
  });
  form?.addEventListener('change', (event) => event.target.name === 'scope' && preview());
  const send = async (order) => {
    const sent = { method: 'POST', body: new URLSearchParams(new FormData(order)), headers: { accept: 'application/json' } };
    const answer = await fetch('/stop', { ...sent, signal: AbortSignal.timeout(15000) });
    const isJson = (answer.headers.get('content-type') || '').startsWith('application/json');
    if (isJson && answer.ok) return location.assign((await answer.json()).location);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const main = document.adoptNode(fresh.getElementById('main')); // throws where it was no page of ours
    one('#main').replaceWith(main);
    document.title = fresh.title;
    dialog.close();
    main.focus();
  };
  // While nobody seems to be there nothing is sent but an order to stop: what somebody wrote stays, and is not said to be done.
  document.addEventListener('submit', async (event) => {
    const order = event.target;
    if (order !== form && !isLost()) return;
    event.preventDefault();
    if (!one('[name=stopId]', order)) return unsent('Nothing was sent.');
    const say = order === form ? (text) => (note.textContent = text) : unsent;
    const button = one('button.stop', order);
    button.ariaBusy = 'true';
    button.textContent = `Stopping ${words(order.elements.scope.value)}…`;
    say('Sent. Nothing is stopped before the next page says so.');
    await send(order).catch(() => {
      if (order !== form && !isLost()) return order.submit();
      say('No answer: nothing says that this is stopped. Press again; it is the same stop.');
      isUnheard = true;
      sayLink();
      void ping();
    });
    button.ariaBusy = null;
    button.textContent = `Stop ${words(order.elements.scope.value)} now`;
  });

  wake();
})();
