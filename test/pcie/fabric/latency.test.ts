import { describe, expect, it } from 'vitest';
import { AcsService, type BridgePort } from '../../../src/pcie/index.ts';
import { card, turnOn } from '../topology/fixture.ts';
import { BYTE_PS, END_PS, makeFabric, RATE, READ_PS, SWITCH_PS, TURN_PS, tlpBytes } from './fixture.ts';

const { requestRedirect, completionRedirect, upstreamForwarding } = AcsService;
const MEMORY = { claims: (address: number) => address < 2 ** 30, read: () => 0x5a, write: () => {} };
const BOTH_ENDS_PS = 2 * END_PS;
/** Framing before a header, and a header: what a switch waits for with cut-through. */
const HEAD_3DW_PS = (4 + 12) * BYTE_PS;
const HEAD_4DW_PS = (4 + 16) * BYTE_PS;
/** BARs are above 4 GiB: headers of four double words. */
const WRITE_PS = tlpBytes(64, true) * BYTE_PS;
const REQUEST_PS = tlpBytes(0, true) * BYTE_PS;
const COMPLETION_PS = tlpBytes(64) * BYTE_PS;
/** The UpdateFC for a request that has been taken goes before its completion. */
const UPDATE_PS = 8 * BYTE_PS;
const write = { kind: 'write', bytes: 64 } as const;
const read = { kind: 'read', bytes: 64 } as const;

describe('a write from card to card through a switch', () => {
  it('takes its symbols once with cut-through, and its header at the switch', () => {
    const { run, pfs, bar } = makeFabric();
    const outcome = run({ ...write, from: pfs[0], address: bar(1) });
    expect(outcome).toMatchObject({
      status: 'successful',
      requests: 1,
      throughRootComplex: false,
      startPs: 0,
    });
    expect(outcome.endPs).toBe(HEAD_4DW_PS + END_PS + SWITCH_PS + WRITE_PS + END_PS);
  });

  it('takes them once a link with store-and-forward', () => {
    const timing = { forwarding: 'store-and-forward', latencyPs: 120_000 } as const;
    const { run, pfs, bar } = makeFabric({}, { switchTiming: () => timing });
    const { endPs } = run({ ...write, from: pfs[0], address: bar(1) });
    expect(endPs).toBe(2 * WRITE_PS + BOTH_ENDS_PS + 120_000);
  });

  it('follows at the rate of the link, TLP by TLP', () => {
    const { run, pfs, bar } = makeFabric();
    const outcome = run({ kind: 'write', bytes: 4096, from: pfs[0], address: bar(1) });
    expect(outcome.requests).toBe(16);
    const symbols = 16 * tlpBytes(256, true) * BYTE_PS;
    expect(outcome.endPs).toBe(HEAD_4DW_PS + END_PS + SWITCH_PS + symbols + END_PS);
  });
});

describe('links of different rates', () => {
  /** Gen 1 x1 takes 16 times as long. */
  const SLOW = 16;

  function withSlow(slowCard: number) {
    const cards = [[card()], [card()]];
    let made: readonly BridgePort[] = [];
    const tower = makeFabric(
      { cards },
      {
        link: (port) => {
          if (!made.includes(port)) made = [...made, port];
          // Asked in the order of the tree: the root port, then the ports of the switch.
          return { rate: made.indexOf(port) === slowCard + 1 ? { generation: 1, lanes: 1 } : RATE };
        },
      },
    );
    return tower;
  }

  it('let a TLP leave by the faster one so late that it does not run dry', () => {
    const { run, pfs, bar } = withSlow(0);
    const { endPs } = run({ ...write, from: pfs[0], address: bar(1) });
    // All of it has come; what came before the rest has still to go out.
    expect(endPs).toBe(SLOW * WRITE_PS + END_PS + SWITCH_PS + HEAD_4DW_PS + END_PS);
  });

  it('let it leave by the slower one behind its header', () => {
    const { run, pfs, bar } = withSlow(1);
    const { endPs } = run({ ...write, from: pfs[0], address: bar(1) });
    expect(endPs).toBe(HEAD_4DW_PS + END_PS + SWITCH_PS + SLOW * WRITE_PS + END_PS);
  });
});

describe('a read from card to card', () => {
  it('takes the ways of request and completion, and the time of the other card', () => {
    const { run, pfs, bar } = makeFabric();
    const outcome = run({ ...read, from: pfs[0], address: bar(1) });
    const there = HEAD_4DW_PS + END_PS + SWITCH_PS + REQUEST_PS + END_PS;
    const back = UPDATE_PS + HEAD_3DW_PS + END_PS + SWITCH_PS + COMPLETION_PS + END_PS;
    expect(outcome.endPs).toBe(there + READ_PS + back);
    expect(outcome.data).toEqual(new Uint8Array(64));
  });
});

describe('access control', () => {
  it('takes a redirected write up to the root complex and down the same link again', () => {
    const { run, pfs, bar, ports, root } = makeFabric();
    turnOn(ports[0].function, requestRedirect);
    turnOn(root.function, upstreamForwarding);
    const outcome = run({ ...write, from: pfs[0], address: bar(1) });
    expect(outcome.throughRootComplex).toBe(true);
    const up = HEAD_4DW_PS + END_PS + SWITCH_PS + WRITE_PS + END_PS;
    const down = HEAD_4DW_PS + END_PS + SWITCH_PS + WRITE_PS + END_PS;
    expect(outcome.endPs).toBe(up + TURN_PS + down);
  });

  it('takes a redirected read and its redirected completion that way', () => {
    const { run, pfs, bar, ports, root } = makeFabric();
    for (const port of ports) turnOn(port.function, requestRedirect | completionRedirect);
    turnOn(root.function, upstreamForwarding);
    const outcome = run({ ...read, from: pfs[0], address: bar(1) });
    const half = (head: number, symbols: number) =>
      2 * (head + END_PS + SWITCH_PS + symbols + END_PS) + TURN_PS;
    expect(outcome.endPs).toBe(
      half(HEAD_4DW_PS, REQUEST_PS) + READ_PS + UPDATE_PS + half(HEAD_3DW_PS, COMPLETION_PS),
    );
    expect(
      outcome.hops.map(({ action }) => action).filter((action) => action === 'root-complex'),
    ).toHaveLength(2);
  });

  it('refuses a read at the switch with a completion from there', () => {
    const { run, pfs, bar, ports } = makeFabric();
    turnOn(ports[0].function, AcsService.egressControl, 0b110);
    const outcome = run({ ...read, from: pfs[0], address: bar(1) });
    expect(outcome).toMatchObject({ status: 'completer-abort', error: { error: 'ACS Violation' } });
    expect(outcome.data).toEqual(new Uint8Array(64).fill(0xff));
    expect(outcome.endPs).toBe(HEAD_4DW_PS + END_PS + SWITCH_PS + tlpBytes(0) * BYTE_PS + END_PS);
  });
});

describe('the root complex', () => {
  it('passes a write from one root port to another', () => {
    const { run, pfs, bar } = makeFabric();
    const { endPs } = run({ ...write, from: pfs[0], address: bar(2) });
    const up = HEAD_4DW_PS + END_PS + SWITCH_PS + WRITE_PS + END_PS;
    expect(endPs).toBe(up + TURN_PS + WRITE_PS + BOTH_ENDS_PS);
  });

  it('answers reads of memory in pieces of Max_Payload_Size', () => {
    const { run, pfs } = makeFabric({ memory: MEMORY });
    const outcome = run({ kind: 'read', bytes: 512, from: pfs[2], address: 0x1000 });
    const request = tlpBytes(0) * BYTE_PS + BOTH_ENDS_PS;
    const completions = UPDATE_PS + 2 * tlpBytes(256) * BYTE_PS + BOTH_ENDS_PS;
    expect(outcome.endPs).toBe(request + 220_000 + completions);
    expect(outcome.data).toEqual(new Uint8Array(512).fill(0x5a));
  });

  it('cuts completions at its Read Completion Boundary', () => {
    const { run, pfs, fabric } = makeFabric({ memory: MEMORY });
    run({ kind: 'read', bytes: 512, from: pfs[2], address: 0x1030 });
    // Up to 0x1100, 0x1200, and 0x1230.
    expect(fabric.counters()['link.1.downstream.tlps']).toBe(3);
  });

  it('brings loads of a processor to a card below a switch, and back', () => {
    const { run, bar } = makeFabric();
    const { endPs } = run({ kind: 'read', bytes: 4, from: null, address: bar(0) });
    const there = 100_000 + HEAD_4DW_PS + END_PS + SWITCH_PS + REQUEST_PS + END_PS;
    const back = UPDATE_PS + HEAD_3DW_PS + END_PS + SWITCH_PS + tlpBytes(4) * BYTE_PS + END_PS;
    expect(endPs).toBe(there + READ_PS + back);
  });
});
