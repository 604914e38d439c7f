import { describe, expect, it } from 'vitest';
import { BridgePort, Endpoint, LogicalBus, RootBus } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { machine } from './fixture.ts';

const DEVICE_CONTROL_2 = 0x90 + 0x28;

describe('BridgePort', () => {
  it('has a type 1 header and says so', () => {
    const { config } = new BridgePort({ routingId: 0x0008 }).function;
    expect(config.read8(0x0e)).toBe(1);
    expect(config.read32(8) >>> 8).toBe(0x060400);
    expect(config.read16(0x24)).toBe(1);
  });

  it('sends type 0 to its secondary bus, type 1 to those behind, and nothing elsewhere', () => {
    const port = new BridgePort({ routingId: 0x0008 });
    expect(port.configRoute(0x0000)).toBe(-1);
    port.function.config.write32(0x18, 0x00050200);
    expect([port.configRoute(0x0200), port.configRoute(0x0300), port.configRoute(0x0507)]).toEqual([0, 1, 1]);
    expect([port.configRoute(0x0100), port.configRoute(0x0600)]).toEqual([-1, -1]);
  });

  it('sends nothing to other devices than device 0, unless ARI forwarding is on', () => {
    const port = new BridgePort({ routingId: 0x0008 });
    port.function.config.write32(0x18, 0x00050200);
    expect(port.configRoute(0x0280)).toBe(-1);
    port.function.config.write16(DEVICE_CONTROL_2, 0x20);
    expect([port.ariForwarding, port.configRoute(0x0280)]).toEqual([true, 0]);
  });

  it('has no ARI Forwarding Enable where it is not supported', () => {
    const port = new BridgePort({ routingId: 0x0008, ariForwarding: false });
    port.function.config.write16(DEVICE_CONTROL_2, 0x20);
    expect(port.function.config.read16(DEVICE_CONTROL_2)).toBe(0);
  });

  it('passes memory requests of its windows on while Memory Space Enable is set', () => {
    const port = new BridgePort({ routingId: 0x0008 });
    const { config } = port.function;
    config.write32(0x20, 0xe010e000);
    config.write32(0x24, 0x0ff10001);
    config.write32(0x28, 0x40);
    config.write32(0x2c, 0x41);
    expect(port.claimsMemory(0xe0000000)).toBe(false);
    config.write16(4, 2);
    expect([port.memoryBase, port.memoryLimit]).toEqual([0xe0000000, 0xe01fffff]);
    expect([port.prefetchBase, port.prefetchLimit]).toEqual([0x40_0000_0000, 0x41_0fff_ffff]);
    expect([0xdfffffff, 0xe0000000, 0xe01fffff, 0xe0200000].map((at) => port.claimsMemory(at))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([port.claimsMemory(0x41_0fff_ffff), port.claimsMemory(0x41_1000_0000)]).toEqual([true, false]);
  });

  it('closes a window whose limit is below its base', () => {
    const port = new BridgePort({ routingId: 0x0008 });
    port.function.config.write16(4, 2);
    port.function.config.write32(0x20, 0x0000fff0);
    port.function.config.write32(0x24, 0x0001fff1);
    expect([port.claimsMemory(0), port.claimsMemory(0xfff00000)]).toEqual([false, false]);
  });

  it('passes I/O requests of its window on while I/O Space Enable is set', () => {
    const port = new BridgePort({ routingId: 0x0008 });
    port.function.config.write16(0x1c, 0x3020);
    port.function.config.write16(4, 1);
    expect([port.claimsIo(0x2000), port.claimsIo(0x3fff), port.claimsIo(0x4000)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('resets what is below with Secondary Bus Reset', () => {
    const { endpoint, port } = machine();
    expect(endpoint.functions[0].busMaster).toBe(true);
    port.function.config.write16(0x3e, 0x40);
    expect(endpoint.functions[0].config.read16(4)).toBe(0);
  });

  it('loses bus numbers and windows with a reset', () => {
    const { port } = machine();
    port.hotReset();
    expect([port.secondaryBus, port.configRoute(0x0100), port.ariForwarding]).toEqual([0, -1, false]);
  });
});

describe('RootBus', () => {
  it('reads all ones where nobody answers', () => {
    const root = new RootBus();
    expect([root.read(0x0100, 0, 4), root.read(0, 0, 2), root.read(0, 0, 1)]).toEqual([
      0xffffffff, 0xffff, 0xff,
    ]);
    root.write(0x0100, 0, 4, 0);
    root.attach(new BridgePort({ routingId: 0x0008 }));
    expect(root.read(0x0100, 0, 4)).toBe(0xffffffff);
    expect(root.read(0x0008, 0, 4)).toBe(0x34208086);
    expect(() => root.attach(new BridgePort({ routingId: 0x0008 }))).toThrow(
      'there is a port at 00:01.0 already',
    );
  });

  it('leads through a switch made of ports', () => {
    const root = new RootBus();
    const rootPort = new BridgePort({ routingId: 0x0008 });
    const upstream = new BridgePort({ routingId: 0, portType: 5 });
    const inside = new LogicalBus();
    const endpoints = [0, 1].map(() => new Endpoint({ functions: intel82599Config() }));
    root.attach(rootPort);
    rootPort.downstream = upstream;
    upstream.downstream = inside;
    endpoints.forEach((endpoint, i) => {
      const port = new BridgePort({ routingId: i << 3, portType: 6 });
      port.downstream = endpoint;
      inside.attach(port);
    });
    root.write(0x0008, 0x18, 4, 0x00040100);
    root.write(0x0100, 0x18, 4, 0x00040201);
    root.write(0x0200, 0x18, 4, 0x00030302);
    root.write(0x0208, 0x18, 4, 0x00040402);
    for (const bus of [3, 4]) {
      root.write(bus << 8, 4, 2, 4);
      expect(root.read(bus << 8, 0, 4)).toBe(0x10fb8086);
    }
    expect(endpoints.map((each) => each.functions[0].name)).toEqual(['03:00.0', '04:00.0']);
    root.write(0x0008, 0x3e, 2, 0x40);
    expect(endpoints.map((each) => each.functions[0].busMaster)).toEqual([false, false]);
  });
});
