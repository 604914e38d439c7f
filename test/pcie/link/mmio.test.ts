import { describe, expect, it } from 'vitest';
import { SparseMemory, wordStore } from '../../../src/base/index.ts';
import { Probe, Scheduler } from '../../../src/kernel/index.ts';
import { EndpointPort, NOT_CLAIMED } from '../../../src/pcie/endpoint-port.ts';
import { PcieLink } from '../../../src/pcie/link.ts';
import type { LinkOptions } from '../../../src/pcie/link-options.ts';
import { Requester } from '../../../src/pcie/requester.ts';
import { RootComplex } from '../../../src/pcie/root-complex.ts';
import { RootPort } from '../../../src/pcie/root-port.ts';
import { TlpPool } from '../../../src/pcie/tlp-pool.ts';
import { Identity, memoryRequest, PagedTranslator } from './dma-rig.ts';
import { FLIGHT_PS, INFINITE } from './link-rig.ts';

const BAR = 0xd000_0000;
const BAR_BYTES = 0x10000;
const OUTBOUND_PS = 50_000;
const REGISTER_PS = 70_000;

/** A processor, a link and a device with one BAR of plain registers and one function's configuration space. */
function machine(link: Partial<LinkOptions> = {}, records = 4096, walkPs = 0) {
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const tlps = new TlpPool(records);
  const pcie = new PcieLink('link', scheduler, probe, tlps, {
    rate: { generation: 1, lanes: 1 },
    flightPs: FLIGHT_PS,
    maxPayloadBytes: 128,
    deviceCredits: INFINITE,
    rootCredits: INFINITE,
    ...link,
  });
  const store = wordStore(new ArrayBuffer(4096));
  const limits = { tags: 8, maxPayloadBytes: 128, maxReadRequestBytes: 128 };
  const requester = new Requester('requester', pcie.upstream, tlps, store, limits);
  const registers = new Map<number, number>();
  const accesses: string[] = [];
  const device = {
    memoryRead: (address: number, bytes: number) => {
      if (address >= BAR + BAR_BYTES) return NOT_CLAIMED;
      accesses.push(`read ${(address - BAR).toString(16)}/${bytes}`);
      return (registers.get(address) ?? 0) >>> 0;
    },
    memoryWrite: (address: number, value: number) => {
      if (address >= BAR + BAR_BYTES) return false;
      accesses.push(`write ${(address - BAR).toString(16)}=${value.toString(16)}`);
      registers.set(address, value);
      return true;
    },
    configRead: (id: number, offset: number, bytes: number, type: number) =>
      id === 0x100 ? offset * 0x100 + bytes * 0x10 + type : NOT_CLAIMED,
    configWrite: (id: number, offset: number, bytes: number, value: number, type: number) => {
      accesses.push(`config ${offset.toString(16)}/${bytes}=${value.toString(16)} type ${type}`);
      return id === 0x100;
    },
  };
  const endpoint = new EndpointPort('endpoint', scheduler, pcie, tlps, device, requester, REGISTER_PS);
  let port: RootPort | null = null;
  const bus = { read: () => -1, write: () => {} };
  const routing = { portOfAddress: (address: number) => (address >= BAR ? port : null) };
  const memory = new SparseMemory(2 ** 32);
  const translator = walkPs === 0 ? new Identity() : new PagedTranslator(scheduler, () => walkPs);
  const complex = new RootComplex('complex', scheduler, tlps, bus, routing, OUTBOUND_PS);
  port = new RootPort(
    'port',
    scheduler,
    pcie,
    tlps,
    memory,
    translator,
    { message: () => {} },
    { memoryReadPs: 0, maxPayloadBytes: 128, readCompletionBoundary: 64, isMemory: () => true },
    complex.onCompletion,
  );
  port.connect(requester);
  const config = complex.configTarget(port, { hotReset: () => {} });
  return { scheduler, tlps, link: pcie, endpoint, complex, config, accesses, requester, memory };
}

const onWire = (bytes: number) => bytes * 4000;

describe('a register read', () => {
  it('takes the request down, the access, and the completion up; software waits for it', () => {
    const { complex, scheduler } = machine();
    complex.write32(BAR + 8, 0xdead_beef);
    scheduler.runUntilIdle();
    const started = scheduler.now;
    expect(complex.read(BAR + 8, 4)).toBe(0xdead_beef);
    const hop = (bytes: number) => onWire(bytes) + FLIGHT_PS;
    expect(scheduler.now - started).toBe(OUTBOUND_PS + hop(20) + REGISTER_PS + hop(24));
  });

  it('sees every write that was made before it', () => {
    for (const postedHeaders of [0, 1, 2]) {
      const deviceCredits = { ...INFINITE, postedHeaders, postedData: postedHeaders };
      const { complex, accesses } = machine({ deviceCredits });
      for (let i = 1; i <= 50; i++) complex.write32(BAR + 4, i);
      expect(complex.read(BAR + 4, 4)).toBe(50);
      expect(accesses).toHaveLength(51);
    }
  });

  it('and a configuration write see in memory what the device had posted before they completed, whatever its translation takes', () => {
    const { complex, config, requester, memory, scheduler, tlps } = machine({}, 4096, 100_000_000);
    const client = requester.addClient({ readDone: () => {}, writeDone: () => {}, requesterReady: () => {} });
    requester['store'].u8.fill(7);
    const posted = (page: number) => {
      const address = 0x10000 + page * 4096;
      requester.write(memoryRequest(1, address, 64, 0, client, page));
      return () => memory.read8(PagedTranslator.SHIFT + address + 63);
    };
    const first = posted(0);
    complex.read(BAR, 4);
    expect(first()).toBe(7);
    const second = posted(1);
    config.configWrite(0x100, 4, 2, 6, 0);
    expect(second()).toBe(7);
    scheduler.runUntilIdle();
    expect(tlps.available).toBe(tlps.capacity);
  });

  it('returns all ones where no BAR claims it, and is counted', () => {
    const { complex, endpoint, tlps } = machine();
    expect(complex.read(BAR + BAR_BYTES, 4)).toBe(0xffff_ffff);
    expect(complex.read(BAR + BAR_BYTES + 2, 2)).toBe(0xffff);
    expect(complex.read(0x1000, 1)).toBe(0xff);
    expect(complex.counters()).toMatchObject({ mmioReads: 3, unanswered: 3 });
    expect(endpoint.counters()).toMatchObject({ unsupportedRequests: 2 });
    expect(tlps.available).toBe(tlps.capacity);
  });
});

describe('register writes', () => {
  it('are posted: software goes on at once, and they arrive in order', () => {
    const { complex, scheduler, accesses, tlps } = machine();
    for (let i = 0; i < 100; i++) complex.write32(BAR + 4 * i, i);
    expect(scheduler.now).toBe(0);
    scheduler.runUntilIdle();
    expect(accesses).toEqual(
      Array.from({ length: 100 }, (_, i) => `write ${(4 * i).toString(16)}=${i.toString(16)}`),
    );
    expect(tlps.available).toBe(tlps.capacity);
  });

  it('make software wait when it runs far ahead of the link, and none is lost', () => {
    const { complex, scheduler, accesses } = machine({}, 2048);
    for (let i = 0; i < 5000; i++) complex.write32(BAR, i);
    expect(scheduler.now).toBeGreaterThan(0);
    scheduler.runUntilIdle();
    expect(accesses).toEqual(Array.from({ length: 5000 }, (_, i) => `write 0=${i.toString(16)}`));
  });

  it('that nobody claims vanish, and are counted where they end', () => {
    const { complex, endpoint, scheduler } = machine();
    complex.write32(BAR + BAR_BYTES, 1);
    complex.write32(0x1000, 1);
    scheduler.runUntilIdle();
    expect(endpoint.counters()).toMatchObject({ registerWrites: 1, unsupportedRequests: 1 });
    expect(complex.counters()).toMatchObject({ mmioWrites: 2, unanswered: 1 });
  });
});

describe('configuration cycles below a link', () => {
  it('travel as TLPs, with their size, register and type, and are waited for', () => {
    const { config, scheduler, accesses, link, tlps } = machine();
    expect(config.configRead(0x100, 0x40, 4, 0)).toBe(0x4040);
    expect(config.configRead(0x100, 0x42, 2, 1)).toBe(0x4221);
    expect(config.configWrite(0x100, 0x04, 2, 0x406, 0)).toBe(true);
    expect(accesses).toEqual(['config 4/2=406 type 0']);
    expect(scheduler.now).toBeGreaterThan(3 * (2 * FLIGHT_PS + REGISTER_PS));
    // Two requests of 20 bytes and one of 24 down; two completions with data and one without up.
    expect(link.downstream.counters()).toMatchObject({ tlps: 3, tlpBytes: 64 });
    expect(link.upstream.counters()).toMatchObject({ tlps: 3, tlpBytes: 68 });
    expect(tlps.available).toBe(tlps.capacity);
  });

  it('complete with Unsupported Request where there is no function', () => {
    const { config, complex } = machine();
    expect(config.configRead(0x101, 0, 4, 0)).toBeLessThan(0);
    expect(config.configWrite(0x101, 0, 4, 0, 0)).toBe(false);
    expect(complex.counters()).toMatchObject({ unanswered: 2 });
  });

  it('work with one credit of each kind', () => {
    const deviceCredits = {
      ...INFINITE,
      nonPostedHeaders: 1,
      nonPostedData: 1,
      postedHeaders: 1,
      postedData: 8,
    };
    const { config, complex } = machine({ deviceCredits });
    for (let i = 0; i < 20; i++) {
      complex.write32(BAR, i);
      expect(config.configWrite(0x100, 4 * i, 4, i, 0)).toBe(true);
      expect(complex.read(BAR, 4)).toBe(i);
    }
  });
});
