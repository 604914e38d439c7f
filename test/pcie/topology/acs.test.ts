import { describe, expect, it } from 'vitest';
import {
  ACS_ISOLATION,
  AcsService,
  AddressType,
  type HierarchyOutcome,
  type HierarchyRequest,
  requestToPeer,
  UncorrectableError,
} from '../../../src/pcie/index.ts';
import { card, makeTower, type Tower, turnOn, uncorrectable } from './fixture.ts';

const ACS_VIOLATION = 2 ** UncorrectableError.acsViolation;

/** Card 0 asks for a register of card 1, its neighbour at the switch. */
function ask({ hierarchy, cards }: Tower, more: Partial<HierarchyRequest> = {}): HierarchyOutcome {
  const [from] = cards[0].functions;
  const [to] = cards[1].functions;
  return hierarchy.request({ from, kind: 'read', address: to.barBase(0) + 4, ...more });
}

function actions({ hops }: HierarchyOutcome, isCompletion = false): string[] {
  return hops.filter((hop) => hop.isCompletion === isCompletion).map(({ at, action }) => `${at} ${action}`);
}

describe('ACS Source Validation', () => {
  it('lets requests from the buses below the port through, VFs on the next bus too', () => {
    const tower = makeTower({ ports: [{ ariForwarding: false, acs: {} }, { acs: {} }], vfs: 2 });
    turnOn(tower.ports[0].function, AcsService.sourceValidation);
    const vf = tower.cards[0].functions[0].sriov!.vf(1);
    expect(vf.name).toBe('04:00.1');
    vf.config.write16(4, 4);
    expect(ask(tower).status).toBe('successful');
    expect(ask(tower, { from: vf }).status).toBe('successful');
  });

  it('refuses a Requester ID from elsewhere as an ACS Violation: Completer Abort, advisory non-fatal', () => {
    const tower = makeTower();
    const port = tower.ports[0].function;
    turnOn(port, AcsService.sourceValidation);
    const outcome = ask(tower, { requester: 0x0400 });
    expect(outcome).toMatchObject({ completer: null, error: { at: '02:00.0', error: 'ACS Violation' } });
    expect(uncorrectable(port) & ACS_VIOLATION).toBe(0);
    // Correctable Error Mask hides advisory errors after reset: Correctable Error Status has one all the same.
    expect(port.config.read32(0x110)).toBe(1 << 13);
    port.config.write32(0x114, 0);
    ask(tower, { requester: 0x0400 });
    expect(uncorrectable(port) & ACS_VIOLATION).toBe(ACS_VIOLATION);
  });

  it('knows of a write only in the port, as a non-fatal error', () => {
    const tower = makeTower();
    const port = tower.ports[0].function;
    turnOn(port, AcsService.sourceValidation);
    expect(ask(tower, { kind: 'write', requester: 0x0400 }).completer).toBeNull();
    expect(uncorrectable(port) & ACS_VIOLATION).toBe(ACS_VIOLATION);
    expect(port.config.read16(port.findCapability(0x10) + 10)).toBe(2);
    // Signaled Target Abort, though the requester is not told.
    expect(port.config.read16(0x1e)).toBe(1 << 11);
  });

  it('off lets a function act in the name of another: the completion goes there, unexpected', () => {
    const tower = makeTower();
    const other = tower.cards[2].functions[0];
    const outcome = ask(tower, { requester: other.routingId });
    expect(outcome).toMatchObject({
      status: 'completion-timeout',
      completer: tower.cards[1].functions[0],
      error: { at: '05:00.0', error: 'Unexpected Completion' },
    });
    expect(uncorrectable(tower.cards[0].functions[0])).toBe(1 << 14);
    expect(other.config.read32(0x110)).toBe(1 << 13);
  });
});

describe('an ACS Violation', () => {
  const refuseWrite = (tower: Tower) => {
    const port = tower.ports[0].function;
    turnOn(port, AcsService.sourceValidation);
    return ask(tower, { kind: 'write', requester: 0x0456, relaxedOrdering: true });
  };

  it('has the header of the request in the Header Log, and its bit in the First Error Pointer', () => {
    const tower = makeTower();
    const port = tower.ports[0].function;
    refuseWrite(tower);
    const address = tower.cards[1].functions[0].barBase(0) + 4;
    expect([0x11c, 0x120, 0x124, 0x128].map((at) => port.config.read32(at))).toEqual([
      0x60002001,
      0x0456000f,
      Math.floor(address / 2 ** 32),
      address % 2 ** 32,
    ]);
    expect(port.config.read32(0x118) & 0x1f).toBe(21);
  });

  it('is told to the root port, where all ports on the way pass messages on', () => {
    const messages: unknown[] = [];
    const interrupts = { message: (...message: unknown[]) => messages.push(message) };
    const tower = makeTower({ interrupts });
    const port = tower.ports[0].function;
    const { function: upstream } = tower.tower.upstream;
    const root = tower.root.function;
    const status = () => root.config.read32(0x130);
    // Non-Fatal Error Reporting Enable of the port, SERR# Enable of those above, Root Error Command and MSI of the root port.
    port.config.write16(0x98, 2);
    refuseWrite(tower);
    expect([status(), upstream.config.read16(0x1e) & 0x4000]).toEqual([0, 0x4000]);
    upstream.config.write16(0x3e, 2);
    upstream.config.write16(4, 0x106);
    root.config.write16(0x3e, 2);
    root.config.write16(0x98, 2);
    root.config.write32(0x12c, 2);
    root.config.write32(0x54, 0xfee01000);
    root.config.write16(0x52, 1);
    refuseWrite(tower);
    expect(status() & 0x7f).toBe((1 << 2) | (1 << 5));
    expect(root.config.read16(0x136)).toBe(0x0200);
    expect(messages).toEqual([[0x0008, 0xfee01000, 0]]);
  });
});

describe('ACS Translation Blocking', () => {
  it('refuses requests that say that their address is translated, and lets all others through', () => {
    const tower = makeTower();
    turnOn(tower.ports[0].function, AcsService.translationBlocking | AcsService.directTranslated);
    expect(ask(tower).status).toBe('successful');
    const translated = ask(tower, { addressType: AddressType.TRANSLATED });
    expect(translated).toMatchObject({
      status: 'completer-abort',
      value: 0xffffffff,
      error: { at: '02:00.0', error: 'ACS Violation' },
    });
    expect(tower.ports[0].function.config.read16(0x1e)).toBe(1 << 11);
    expect(tower.cards[0].functions[0].config.read16(6) & (1 << 12)).toBe(1 << 12);
    expect(ask(tower, { addressType: AddressType.TRANSLATION_REQUEST }).error?.error).toBe('ACS Violation');
  });
});

describe('ACS P2P Request Redirect', () => {
  it('sends a request for a peer up to the root complex, which needs upstream forwarding to send it back', () => {
    const asked: number[] = [];
    const translator = {
      translate(_routingId: number, address: number) {
        asked.push(address);
        return address;
      },
    };
    const tower = makeTower({ translator });
    turnOn(tower.ports[0].function, AcsService.requestRedirect);
    expect(ask(tower, { kind: 'write' }).error).toMatchObject({
      at: '00:01.0',
      error: 'Unsupported Request',
    });
    expect(asked).toEqual([]);
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    const outcome = ask(tower, { kind: 'write' });
    expect([outcome.status, outcome.throughRootComplex]).toEqual(['successful', true]);
    expect(asked).toHaveLength(1);
    expect(actions(outcome)).toEqual([
      '03:00.0 sent',
      '02:00.0 redirected',
      '01:00.0 upstream',
      '00:01.0 redirected',
      'root complex translated',
      '00:01.0 downstream',
      '01:00.0 downstream',
      '02:01.0 downstream',
      '04:00.0 completed',
    ]);
  });

  it('has its reads answered over the peer directly, where completions are not redirected', () => {
    const tower = makeTower();
    turnOn(tower.ports[0].function, AcsService.requestRedirect);
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    expect(actions(ask(tower), true)).toEqual([
      '02:01.0 peer-to-peer',
      '02:00.0 downstream',
      '03:00.0 completed',
    ]);
  });

  it('lets the IOMMU refuse what it redirects', () => {
    const tower = makeTower({ translator: { translate: () => -2 } });
    turnOn(tower.ports[0].function, AcsService.requestRedirect);
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    expect(ask(tower)).toMatchObject({
      status: 'unsupported-request',
      completer: null,
      error: { at: 'root complex', error: 'IOMMU fault' },
    });
  });

  it('of a root port keeps requests for other root ports from going there untranslated', () => {
    const tower = makeTower({ translator: { translate: () => -2 } });
    const address = tower.cards[2].functions[0].barBase(0);
    const direct = ask(tower, { address });
    expect(direct).toMatchObject({ status: 'successful', throughRootComplex: true });
    expect(actions(direct)).toContain('00:01.0 peer-to-peer');
    turnOn(tower.root.function, AcsService.requestRedirect);
    expect(ask(tower, { address }).error?.error).toBe('IOMMU fault');
    const none = makeTower({ peerToPeer: false });
    expect(ask(none, { address }).error).toMatchObject({ at: '00:01.0', error: 'Unsupported Request' });
  });
});

describe('ACS P2P Completion Redirect', () => {
  it('sends completions for a peer up to the root complex, unless they are relaxed in order', () => {
    const tower = makeTower();
    turnOn(tower.ports[1].function, AcsService.completionRedirect);
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    expect(actions(ask(tower), true)).toEqual([
      '02:01.0 redirected',
      '01:00.0 upstream',
      '00:01.0 redirected',
      'root complex root-complex',
      '00:01.0 downstream',
      '01:00.0 downstream',
      '02:00.0 downstream',
      '03:00.0 completed',
    ]);
    expect(actions(ask(tower, { relaxedOrdering: true }), true)[0]).toBe('02:01.0 peer-to-peer');
  });

  it('without upstream forwarding loses them at the root port, and the read ends with a timeout', () => {
    const tower = makeTower();
    turnOn(tower.ports[1].function, AcsService.completionRedirect);
    expect(ask(tower)).toMatchObject({
      status: 'completion-timeout',
      completer: tower.cards[1].functions[0],
      error: { at: '00:01.0', error: 'Unexpected Completion' },
    });
  });

  it('changes nothing for writes', () => {
    const tower = makeTower();
    turnOn(tower.ports[1].function, AcsService.completionRedirect);
    expect(ask(tower, { kind: 'write' }).throughRootComplex).toBe(false);
  });
});

describe('ACS Upstream Forwarding', () => {
  /** A VF asks for a register of another VF of its card: the address leads back to where the request came in. */
  const vfToVf = (tower: Tower) => {
    const vfs = tower.cards[0].functions[0].sriov!;
    const from = vfs.vf(0);
    from.config.write16(4, 4);
    return tower.hierarchy.request({ from, kind: 'read', address: vfs.vfBarBase(0, 1) });
  };

  it('off refuses what would leave where it came in', () => {
    const tower = makeTower({ vfs: 2 });
    expect(vfToVf(tower).error).toMatchObject({ at: '02:00.0', error: 'Unsupported Request' });
  });

  it('sends it up to the root complex, at every port on the way', () => {
    const tower = makeTower({ vfs: 2 });
    turnOn(tower.ports[0].function, AcsService.upstreamForwarding);
    expect(vfToVf(tower).error).toMatchObject({ at: '00:01.0', error: 'Unsupported Request' });
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    const outcome = vfToVf(tower);
    expect(outcome).toMatchObject({ status: 'successful', throughRootComplex: true });
    expect(outcome.completer).toBe(tower.cards[0].functions[0].sriov!.vf(1));
  });
});

describe('ACS P2P Egress Control', () => {
  /** Port 02:00.0 has Port Number 1, 02:01.0 has 2. */
  const towards = (port: number) => 1 << port;

  it.each([
    ['off', 0, 0xffff, 'direct'],
    ['off, with redirect', AcsService.requestRedirect, 0, 'redirect'],
    ['bit clear', AcsService.egressControl, 0xffff & ~(1 << 2), 'direct'],
    ['bit set', AcsService.egressControl, 1 << 2, 'violation'],
    ['bit clear, with redirect', AcsService.egressControl | AcsService.requestRedirect, 0, 'direct'],
    ['bit set, with redirect', AcsService.egressControl | AcsService.requestRedirect, 1 << 2, 'redirect'],
  ])('%s', (_title, services, vector, route) => {
    const { ports } = makeTower();
    turnOn(ports[0].function, services, vector);
    expect(requestToPeer(ports[0].function, 2, false)).toBe(route);
  });

  it('refuses requests for the ports in the vector, and for no others', () => {
    const tower = makeTower({ cards: [[card()], [card()], [card()]] });
    turnOn(tower.ports[0].function, AcsService.egressControl, towards(2));
    expect(ask(tower)).toMatchObject({ status: 'completer-abort', error: { at: '02:00.0' } });
    const address = tower.cards[2].functions[0].barBase(0);
    expect(ask(tower, { address })).toMatchObject({ status: 'successful', throughRootComplex: false });
    expect(tower.hierarchy.request({ from: null, kind: 'read', address }).status).toBe('successful');
  });

  it('of root ports keeps their hierarchies apart', () => {
    const tower = makeTower();
    turnOn(tower.root.function, AcsService.egressControl, towards(2));
    const address = tower.cards[2].functions[0].barBase(0);
    expect(ask(tower, { address })).toMatchObject({
      status: 'completer-abort',
      error: { at: '00:01.0', error: 'ACS Violation' },
    });
    expect(ask(tower).status).toBe('successful');
  });
});

describe('ACS Direct Translated P2P', () => {
  it('lets translated requests through to peers, past redirect and egress control', () => {
    const tower = makeTower();
    const { requestRedirect, egressControl, directTranslated } = AcsService;
    turnOn(tower.ports[0].function, requestRedirect | egressControl | directTranslated, 0xffff);
    turnOn(tower.root.function, AcsService.upstreamForwarding);
    const translated = ask(tower, { addressType: AddressType.TRANSLATED });
    expect(translated).toMatchObject({ status: 'successful', throughRootComplex: false });
    expect(ask(tower).throughRootComplex).toBe(true);
  });
});

describe('ACS of a device with several functions', () => {
  const services = 0x6c;
  const cards = [[card(4, services), card(4, services)], [card()]];
  const inside = (tower: Tower, more: Partial<HierarchyRequest> = {}) => {
    const [from, to] = tower.cards[0].functions;
    return tower.hierarchy.request({ from, kind: 'read', address: to.barBase(0), ...more });
  };

  it('lets requests between its functions stay inside', () => {
    const outcome = inside(makeTower({ cards, connect: { peerToPeer: true } }));
    expect(actions(outcome)).toEqual(['03:00.0 sent', '03:00.0 peer-to-peer', '03:00.1 completed']);
    expect(actions(outcome, true)).toEqual(['03:00.1 peer-to-peer', '03:00.0 completed']);
  });

  it('sends them up to the root complex with P2P Request Redirect in the requester', () => {
    const tower = makeTower({ cards, connect: { peerToPeer: true } });
    const [from, to] = tower.cards[0].functions;
    for (const port of [tower.root, ...tower.ports]) turnOn(port.function, ACS_ISOLATION);
    turnOn(from, AcsService.requestRedirect | AcsService.completionRedirect);
    expect(inside(tower)).toMatchObject({ status: 'successful', throughRootComplex: true });
    const back = tower.hierarchy.request({ from: to, kind: 'read', address: from.barBase(0) });
    expect(back).toMatchObject({ status: 'successful', throughRootComplex: false });
    expect(actions(back, true)).toContain('root complex root-complex');
  });

  it('keeps functions in its vector from each other, by their function numbers', () => {
    const tower = makeTower({ cards, connect: { peerToPeer: true } });
    const [from] = tower.cards[0].functions;
    turnOn(from, AcsService.egressControl, 1 << 1);
    expect(inside(tower)).toMatchObject({
      status: 'completer-abort',
      error: { at: '03:00.0', error: 'ACS Violation' },
    });
    expect(from.config.read16(6) & (1 << 11)).toBe(1 << 11);
    expect(inside(tower, { addressType: AddressType.TRANSLATED }).status).toBe('completer-abort');
    turnOn(from, AcsService.egressControl | AcsService.directTranslated, 1 << 1);
    expect(inside(tower, { addressType: AddressType.TRANSLATED }).status).toBe('successful');
  });

  it('has no part in requests of a device that does no peer-to-peer', () => {
    const tower = makeTower({ cards });
    expect(inside(tower).error).toMatchObject({ at: '02:00.0', error: 'Unsupported Request' });
  });
});
