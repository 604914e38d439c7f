import { describe, expect, it } from 'vitest';
import { replayTimerSymbols } from '../../../src/pcie/index.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { ErrorRig, type Hits, middle } from './error-rig.ts';
import { FLIGHT_PS, INFINITE, LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE } = TlpKind;
const RECEIVER_ERROR = 1 << 0;
const BAD_TLP = 1 << 6;
const BAD_DLLP = 1 << 7;
const ROLLOVER = 1 << 8;
const REPLAY_TIMEOUT = 1 << 12;
const MICROSECOND = 1e6;
/** REPLAY_TIMER limit of the rig's link: 2.5 GT/s, x1, 256 bytes. */
const TIMER_PS = 1248 * 4000;

const never: Hits = () => -1;
/** The DLLPs with these numbers. */
const dllps =
  (...numbers: number[]): Hits =>
  (packet) =>
    middle(!packet.isTlp && numbers.includes(packet.number), packet);
const tlps =
  (...numbers: number[]): Hits =>
  (packet) =>
    middle(packet.isTlp && numbers.includes(packet.number), packet);

function write(rig: LinkRig, count = 1) {
  return rig.send(rig.link.upstream, MEMORY_WRITE, 4 * count, count);
}

describe('REPLAY_TIMER', () => {
  it.each([
    [1, 1, 128, 711],
    [1, 1, 256, 1248],
    [1, 4, 128, 219],
    [1, 8, 128, 201],
    [2, 1, 128, 864],
    [2, 8, 256, 474],
    [3, 1, 128, 999],
    [3, 16, 256, 504],
    [4, 16, 256, 24_000],
    [5, 1, 128, 24_000],
  ])('at generation %i, x%i, Max_Payload_Size %i is %i symbol times', (generation, lanes, bytes, symbols) => {
    expect(replayTimerSymbols({ generation, lanes }, bytes)).toBe(symbols);
  });

  it.each([
    [{ generation: 6, lanes: 1 }, 128, 'generation must be an integer from 1 to 5, got 6'],
    [{ generation: 4, lanes: 1 }, 100, 'maxPayloadBytes must be an integer from 128 to 4096, got 100'],
    [{ generation: 4, lanes: 1 }, 384, 'maxPayloadBytes must be a power of two, got 384'],
  ])('is of no link %j with Max_Payload_Size %i', (rate, bytes, message) => {
    expect(() => replayTimerSymbols(rate, bytes)).toThrow(message);
  });

  it('is longer with Extended Synch where the limit is the simplified one', () => {
    expect(replayTimerSymbols({ generation: 3, lanes: 1 }, 128, true)).toBe(999);
    expect(replayTimerSymbols({ generation: 4, lanes: 1 }, 128, true)).toBe(80_000);
  });
});

describe('an Ack with a wrong CRC-16', () => {
  it('is a Bad DLLP of who should have got it, and made good by a later one', () => {
    const errors = new ErrorRig(new LinkRig(), never, dllps(0));
    const { rig, up, down } = errors;
    write(rig);
    rig.scheduler.runUntil(1.9 * MICROSECOND);
    write(rig);
    rig.scheduler.runUntil(30 * MICROSECOND);
    expect(down.counters()).toMatchObject({ badDllps: 1 });
    expect(up.counters()).toMatchObject({ acks: 2, replayTimeouts: 0, replayedTlps: 0, duplicateTlps: 0 });
    expect(errors.correctable).toEqual({ device: BAD_DLLP, port: 0 });
    expect(rig.arrivedUp).toHaveLength(2);
  });

  it('without a later one is made good by REPLAY_TIMER: what was there already is discarded and acknowledged', () => {
    const errors = new ErrorRig(new LinkRig(), never, dllps(0));
    const { rig, up, told } = errors;
    write(rig, 3);
    const endPs = LinkRig.slowPs(24);
    rig.scheduler.runUntil(endPs + TIMER_PS - 1);
    expect(up.counters()).toMatchObject({ replayTimeouts: 0 });
    rig.scheduler.runUntil(endPs + TIMER_PS);
    expect(up.counters()).toMatchObject({ replayTimeouts: 1, replayedTlps: 3 });
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(told).toEqual(['REPLAY_TIMER: 3 from 0']);
    expect(up.counters()).toMatchObject({
      replayTimeouts: 1,
      duplicateTlps: 3,
      acks: 2,
      badTlps: 0,
      naks: 0,
    });
    expect(errors.correctable).toEqual({ device: BAD_DLLP | REPLAY_TIMEOUT, port: 0 });
    expect(rig.arrivedUp).toHaveLength(1);
    expect(rig.link.upstream.tlpBytes).toBe(2 * 3 * 24);
  });
});

describe('a Nak with a wrong CRC-16', () => {
  it('is made good by REPLAY_TIMER: no second one is sent before a TLP is taken', () => {
    const errors = new ErrorRig(new LinkRig(), tlps(0), dllps(0));
    const { rig, up, told } = errors;
    const sent = [write(rig), write(rig), write(rig)];
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(told).toEqual(['REPLAY_TIMER: 3 from 0', 'recovered 0', 'recovered 1', 'recovered 2']);
    expect(up.counters()).toMatchObject({ badTlps: 1, naks: 1, replayTimeouts: 1, replayedTlps: 3 });
    expect(errors.correctable).toEqual({ device: BAD_DLLP | REPLAY_TIMEOUT, port: BAD_TLP });
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(sent);
  });

  it('says what has come as an Ack does: only what is behind that is sent again', () => {
    const { rig, told, up } = new ErrorRig(new LinkRig(), tlps(2), never);
    for (let i = 0; i < 4; i++) write(rig);
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(told[0]).toBe('Nak: 2 from 2');
    expect(up.counters()).toMatchObject({ replayedTlps: 2, duplicateTlps: 0 });
  });
});

describe('REPLAY_NUM', () => {
  it('rolls over with the fourth replay without progress, and the link is retrained; an Ack begins it anew', () => {
    // Acks 0 to 3 are lost: three replays, and the fourth behind Recovery.
    const errors = new ErrorRig(new LinkRig(), never, dllps(0, 1, 2, 3, 5, 6, 7));
    const { rig, up, told } = errors;
    write(rig);
    rig.scheduler.runUntil(100 * MICROSECOND);
    const times = Array(3).fill('REPLAY_TIMER: 1 from 0');
    expect(told).toEqual([...times, 'REPLAY_TIMER: 1 from 0, retrained']);
    expect(up.counters()).toMatchObject({ replayTimeouts: 4, retrained: 1, duplicateTlps: 4 });
    expect(errors.correctable.device).toBe(BAD_DLLP | REPLAY_TIMEOUT | ROLLOVER);
    write(rig);
    rig.scheduler.runUntil(200 * MICROSECOND);
    expect(up.counters()).toMatchObject({ replayTimeouts: 7, retrained: 1 });
    expect(rig.arrivedUp).toHaveLength(2);
  });

  it('stands still with REPLAY_TIMER in both directions while the link is retrained', () => {
    // Downstream waits for an Ack when upstream begins to retrain the link.
    const errors = new ErrorRig(new LinkRig(), never, dllps(0, 1, 2, 3));
    const { rig, down } = errors;
    write(rig);
    rig.scheduler.runUntil(3.9 * TIMER_PS);
    rig.send(rig.link.downstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(errors.up.counters()).toMatchObject({ retrained: 1 });
    expect(down.counters()).toMatchObject({ replayTimeouts: 0, acks: 1, retrained: 0 });
    expect(rig.arrivedDown).toHaveLength(1);
  });
});

describe('an UpdateFC with a wrong CRC-16', () => {
  const credits = { ...INFINITE, postedHeaders: 2, postedData: 32 };
  it('is made good by the next one, which says what there has been in all', () => {
    // The first DLLP: an UpdateFC leaves before the Ack of its TLP.
    const errors = new ErrorRig(new LinkRig({ rootCredits: credits }, 0), never, dllps(0));
    const { rig, down } = errors;
    write(rig);
    rig.scheduler.runUntil(1 * MICROSECOND);
    expect(errors.struck).toEqual(['UpdateFC']);
    expect(rig.link.upstream.headerCredits(FlowClass.POSTED)).toBe(1);
    write(rig);
    rig.scheduler.runUntil(6 * MICROSECOND);
    expect(down.counters()).toMatchObject({ badDllps: 1 });
    expect(rig.link.upstream.headerCredits(FlowClass.POSTED)).toBe(2);
  });

  it.each([
    [30, 0],
    [120, 1 << 7],
  ])(
    'without a next one is made good by the periodic one, %i us later (Link Control 0x%s)',
    (us, control) => {
      const one = { ...credits, postedHeaders: 1 };
      const errors = new ErrorRig(new LinkRig({ rootCredits: one }, 0), never, dllps(0));
      const { rig, port } = errors;
      port.config.write16(port.findCapability(0x10) + 0x10, control);
      write(rig);
      // Waits for credits that have been given back, and lost.
      const second = write(rig);
      const updatePs = LinkRig.slowPs(24) + FLIGHT_PS;
      const periodPs = us * MICROSECOND;
      const onceMorePs = LinkRig.slowPs(8) + FLIGHT_PS + LinkRig.slowPs(24) + FLIGHT_PS;
      rig.scheduler.runUntil(updatePs + periodPs + onceMorePs - 1);
      expect(rig.arrivedUp).toHaveLength(1);
      // SKIPs may be in the way of the write.
      rig.scheduler.runUntil(updatePs + periodPs + onceMorePs + 20_000);
      expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, second]);
    },
  );

  it('does not hang whoever waits, however many are lost', () => {
    const one = { ...credits, postedHeaders: 1 };
    const errors = new ErrorRig(new LinkRig({ rootCredits: one }, 0), never, (packet) =>
      middle(!packet.isTlp && packet.number % 4 !== 3, packet),
    );
    const { rig } = errors;
    const sent = Array.from({ length: 12 }, () => write(rig));
    rig.scheduler.runUntil(10_000 * MICROSECOND);
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(sent);
    expect(rig.link.upstream.headerCredits(FlowClass.POSTED)).toBe(1);
  });
});

describe('a packet with wrong framing', () => {
  const framing: Hits = ({ isTlp, number }) => (isTlp && number === 0 ? 0 : -1);

  it('is none for the receiver, which notes a Receiver Error: what follows is out of sequence, and has a Nak', () => {
    const errors = new ErrorRig(new LinkRig(), framing, never);
    const { rig, up, told } = errors;
    const sent = [write(rig), write(rig)];
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(told[0]).toBe('Nak: 2 from 0');
    expect(up.counters()).toMatchObject({ receiverErrors: 1, badTlps: 1, naks: 1, retrained: 0 });
    expect(errors.correctable).toEqual({ device: 0, port: RECEIVER_ERROR | BAD_TLP });
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(sent);
  });

  it('at the end of a TLP of 8b/10b is one as well, and no end symbol is there from 8 GT/s on', () => {
    const last: Hits = ({ isTlp, number, bytes }) => (isTlp && number === 0 ? bytes - 1 : -1);
    for (const [generation, receiverErrors] of [
      [2, 1],
      [3, 0],
    ]) {
      const { rig, up } = new ErrorRig(new LinkRig({ rate: { generation, lanes: 1 } }), last, never);
      write(rig);
      rig.scheduler.runUntil(60 * MICROSECOND);
      expect(up.counters()).toMatchObject({ receiverErrors, badTlps: 1 - receiverErrors });
      expect(rig.arrivedUp).toHaveLength(1);
    }
  });

  it('from 8 GT/s on ends the data stream: the link is retrained, and what comes meanwhile is lost', () => {
    const errors = new ErrorRig(new LinkRig({ rate: { generation: 3, lanes: 1 } }), framing, never);
    const { rig, up, down } = errors;
    const sent = [write(rig), write(rig), write(rig)];
    rig.send(rig.link.downstream, MEMORY_READ, 64);
    rig.scheduler.runUntil(60 * MICROSECOND);
    expect(up.counters()).toMatchObject({
      receiverErrors: 1,
      retrained: 1,
      badTlps: 0,
      naks: 0,
      replayTimeouts: 1,
    });
    expect(down.counters()).toMatchObject({ replayedTlps: 0, retrained: 0 });
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(sent);
    expect(rig.arrivedUp[0].timePs).toBeGreaterThan(10 * MICROSECOND);
    expect(rig.arrivedDown).toHaveLength(1);
  });
});

describe('the replay buffer', () => {
  it('has no more TLPs without an Ack than sequence numbers can tell apart: the others wait', () => {
    // The Nak is lost: the link hears nothing for its simplified limit of 6 us, in which 9,000 TLPs could leave.
    const rig = new LinkRig({ rate: { generation: 5, lanes: 32 } });
    const errors = new ErrorRig(rig, tlps(0), dllps(0));
    const { upstream } = rig.link;
    const trains = 2000;
    let most = 0;
    let sent = 0;
    while (rig.arrivedUp.length < trains) {
      while (sent < trains && upstream.room(FlowClass.POSTED) > 0 && rig.tlps.available > 0) {
        write(rig, 4);
        sent++;
      }
      rig.scheduler.runUntil(rig.scheduler.now + 10_000);
      most = Math.max(most, upstream.nextSequence - 4 * rig.arrivedUp.length);
      expect(rig.scheduler.now).toBeLessThan(1000 * MICROSECOND);
    }
    expect(most).toBeGreaterThan(1800);
    expect(most).toBeLessThan(2048);
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(rig.arrivedUp.map((_, i) => i));
    expect(errors.up.counters()).toMatchObject({ naks: 1, replayTimeouts: 1 });
  });
});
