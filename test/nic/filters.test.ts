import { beforeEach, describe, expect, it } from 'vitest';
import { targetPort } from '../../src/nicswitch/index.ts';
import { buildTestFrame, parseMac } from '../../src/wire/index.ts';
import { Card } from './card.ts';

const FCTRL = 0x5080;
const [MPE, UPE, BAM] = [1 << 8, 1 << 9, 1 << 10];
const RAL = 0xa200;
const RAH = 0xa204;
const AV = 0x8000_0000;
const MTA = 0x5200;
const MCSTCTRL = 0x5090;
const MFE = 1 << 2;

const OWN = '02:00:00:00:00:01';
const OTHER = '02:00:00:00:00:02';
const GROUP = '01:00:5e:00:00:01';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

describe('a card without virtualization', () => {
  let card: Card;

  beforeEach(() => {
    card = new Card();
    card.write(RAL, 0x0000_0002);
    card.write(RAH, AV + 0x0100);
  });

  /** Who gets a frame from the wire to this address: pool numbers. */
  function receivers(destination: string): number[] {
    const { data } = card.nic;
    const { frames } = data;
    const slot = frames.take();
    frames.lengths[slot] = buildTestFrame(
      { destination: parseMac(destination), source: parseMac('02:00:00:ff:00:01'), flow: 0, frameBytes: 64 },
      frames.u8,
      frames.offsetOf(slot),
    );
    data.beforeSwitch?.();
    const count = data.switch.route(slot, data.switch.uplink);
    const ports = Array.from(data.switch.targets.subarray(0, count), targetPort);
    for (let i = 0; i < count; i++) frames.release(slot);
    return ports;
  }

  it('gives pool 0 what is for its address, and nothing else', () => {
    expect(receivers(OWN)).toEqual([0]);
    expect(receivers(OTHER)).toEqual([]);
    expect(receivers(BROADCAST)).toEqual([]);
    expect(receivers(GROUP)).toEqual([]);
  });

  it('takes broadcasts with FCTRL.BAM, all groups with MPE, and all single addresses with UPE', () => {
    card.write(FCTRL, BAM);
    expect([receivers(BROADCAST), receivers(GROUP), receivers(OTHER)]).toEqual([[0], [], []]);
    card.write(FCTRL, MPE);
    expect([receivers(BROADCAST), receivers(GROUP), receivers(OTHER)]).toEqual([[], [0], []]);
    card.write(FCTRL, UPE);
    expect([receivers(BROADCAST), receivers(GROUP), receivers(OTHER)]).toEqual([[], [], [0]]);
  });

  it('takes the groups whose hash is in the multicast table', () => {
    // Bits 47:36 of the address.
    const hash = 0x010;
    card.write(MTA + 4 * (hash >> 5), 1 << (hash & 31));
    expect(receivers(GROUP)).toEqual([]);
    card.write(MCSTCTRL, MFE);
    expect(receivers(GROUP)).toEqual([0]);
    expect(receivers('01:00:5e:00:00:02')).toEqual([]);
  });
});
