// The official JavaScript SDK on the service of AZURE_STORAGE_CONNECTION_STRING.
// One line a topic: "ok name" or "fail name: reason".
// AZURE_STORAGE_HOST_ENDPOINT is the same service with the account in the host.
import assert from "node:assert/strict";
import dns from "node:dns";
import {
  AccountSASPermissions, BlobSASPermissions, BlobServiceClient, ContainerClient, ContainerSASPermissions,
} from "@azure/storage-blob";

const service = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING, {
  retryOptions: { maxTries: 1 },
});

// Names below localhost are the loopback interface, but not every resolver knows.
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith(".localhost") ? "127.0.0.1" : name, ...rest);
const hosted = new BlobServiceClient(process.env.AZURE_STORAGE_HOST_ENDPOINT, service.credential, { retryOptions: { maxTries: 1 } });

const inAnHour = () => new Date(Date.now() + 3600_000);

async function refused(promise, code) {
  const err = await promise.then(() => assert.fail(`not refused with ${code}`), (e) => e);
  assert.equal(err.code ?? err.details?.errorCode, code, err.message);
}

async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

async function put(c, name, text) {
  const b = c.getBlockBlobClient(name);
  await b.upload(text, text.length);
  return b;
}

async function inBatches(batch, c) {
  const a = await put(c, "a b", "1"), b = await put(c, "b", "2");
  const t = await batch.setBlobsAccessTier([b], "Cool");
  assert.equal(t.subResponsesSucceededCount, 1);
  assert.equal((await b.getProperties()).accessTier, "Cool");
  const r = await batch.deleteBlobs([a, c.getBlobClient("absent"), b]);
  assert.deepEqual(r.subResponses.map((s) => s.status), [202, 404, 202]);
  assert.equal(r.subResponses[1].errorCode, "BlobNotFound");
  assert.equal(r.subResponsesFailedCount, 1);
}

const read = async (b, ...range) => (await b.downloadToBuffer(...range)).toString();

const topics = {
  async containers(c) {
    await c.setMetadata({ kind: "test" });
    const p = await c.getProperties();
    assert.equal(p.metadata.kind, "test");
    assert.equal(p.leaseState, "available");
    assert.ok(p.etag && p.lastModified && p.requestId && p.version);
    await refused(c.create(), "ContainerAlreadyExists");
    assert.equal((await c.createIfNotExists()).succeeded, false);
    const names = (await all(service.listContainers({ includeMetadata: true, prefix: c.containerName }))).map((x) => x.name);
    assert.deepEqual(names, [c.containerName]);
    assert.equal(await service.getContainerClient("absent").exists(), false);
    assert.ok((await service.getAccountInfo()).skuName);
  },
  async "access policy"(c) {
    const expiresOn = inAnHour();
    await c.setAccessPolicy("blob", [{ id: "reader", accessPolicy: { startsOn: new Date(), expiresOn, permissions: "r" } }]);
    const p = await c.getAccessPolicy();
    assert.equal(p.blobPublicAccess, "blob");
    assert.equal(p.signedIdentifiers[0].id, "reader");
    assert.equal(+p.signedIdentifiers[0].accessPolicy.expiresOn, +expiresOn);
  },
  async "service properties"() {
    await service.setProperties({ cors: [{ allowedOrigins: "*", allowedMethods: "GET", allowedHeaders: "*", exposedHeaders: "*", maxAgeInSeconds: 5 }], deleteRetentionPolicy: { enabled: false } });
    const p = await service.getProperties();
    assert.equal(p.cors[0].allowedMethods, "GET");
    assert.equal(p.deleteRetentionPolicy.enabled, false);
  },
  async "block blobs"(c) {
    const b = c.getBlockBlobClient("dir/ü a+b%#?.txt");
    await b.upload("hello world", 11, { blobHTTPHeaders: { blobContentType: "text/plain" }, metadata: { one: "1" }, tags: { t: "u" } });
    assert.equal(await read(b), "hello world");
    assert.equal(await read(b, 6, 3), "wor");
    const p = await b.getProperties();
    assert.equal(p.contentType, "text/plain");
    assert.equal(p.metadata.one, "1");
    assert.equal(p.blobType, "BlockBlob");
    assert.ok(p.contentMD5 && p.createdOn && p.isServerEncrypted);
    await b.stageBlock("YWFh", "one,", 4);
    await b.stageBlock("YmJi", "two", 3);
    assert.equal((await b.getBlockList("all")).uncommittedBlocks.length, 2);
    await b.commitBlockList(["YmJi", "YWFh"]);
    assert.equal(await read(b), "twoone,");
    const large = Buffer.alloc(5 << 20, "xyz1");
    await b.uploadData(large, { blockSize: 1 << 20, maxSingleShotSize: 1 << 20 });
    assert.ok(large.equals(await b.downloadToBuffer(0, undefined, { blockSize: 1 << 20 })));
    await refused(b.upload("x", 1, { conditions: { ifNoneMatch: "*" } }), "BlobAlreadyExists");
    await b.setHTTPHeaders({ blobCacheControl: "no-cache" });
    assert.equal((await b.getProperties()).cacheControl, "no-cache");
    assert.equal((await b.deleteIfExists()).succeeded, true);
    assert.equal((await b.deleteIfExists()).succeeded, false);
  },
  async "append blobs"(c) {
    const b = c.getAppendBlobClient("log");
    await b.create();
    assert.equal((await b.appendBlock("one", 3)).blobAppendOffset, "0");
    const r = await b.appendBlock("two", 3, { conditions: { appendPosition: 3 } });
    assert.equal(r.blobAppendOffset, "3");
    assert.equal(r.blobCommittedBlockCount, 2);
    await refused(b.appendBlock("x", 1, { conditions: { appendPosition: 3 } }), "AppendPositionConditionNotMet");
    assert.equal(await read(b), "onetwo");
    await b.seal();
    assert.equal((await b.getProperties()).isSealed, true);
  },
  async "page blobs"(c) {
    const b = c.getPageBlobClient("disk"), page = Buffer.alloc(512, "p");
    await b.create(4096);
    await b.uploadPages(page, 512, 512);
    const shot = await b.createSnapshot();
    await b.uploadPages(page, 2048, 512);
    await b.clearPages(512, 512);
    assert.deepEqual((await b.getPageRanges(0, 4096)).pageRange, [{ offset: 2048, count: 511 }]);
    const d = await b.getPageRangesDiff(0, 4096, shot.snapshot);
    assert.equal(d.clearRange.length, 1);
    await b.resize(8192);
    assert.equal((await b.updateSequenceNumber("update", 7)).blobSequenceNumber, 7);
    assert.equal((await b.getProperties()).contentLength, 8192);
  },
  async leases(c) {
    const b = await put(c, "leased", "1"), l = b.getBlobLeaseClient();
    assert.equal((await l.acquireLease(15)).leaseId, l.leaseId);
    await refused(b.upload("2", 1), "LeaseIdMissing");
    await b.upload("2", 1, { conditions: { leaseId: l.leaseId } });
    await l.renewLease();
    await l.changeLease("99999999-8888-7777-6666-555555555555");
    assert.equal((await l.breakLease(0)).leaseTime, 0);
    assert.equal((await b.getProperties()).leaseState, "broken");
    await l.releaseLease();
    const cl = c.getBlobLeaseClient();
    await cl.acquireLease(-1);
    await refused(c.delete(), "LeaseIdMissing");
    await cl.releaseLease();
  },
  async tags(c) {
    const b = await put(c, "tagged", "1");
    await b.setTags({ "a b": "c/d", x: "y" });
    assert.deepEqual({ ...(await b.getTags()).tags }, { "a b": "c/d", x: "y" });
    assert.equal((await b.getProperties()).tagCount, 2);
    await refused(b.getProperties({ conditions: { tagConditions: "x = 'z'" } }), "ConditionNotMet");
  },
  async "find by tags"(c) {
    for (const name of ["a", "b"]) await (await put(c, name, "1")).setTags({ found: name });
    const items = await all(service.findBlobsByTags(`@container='${c.containerName}' AND found >= 'a'`));
    assert.deepEqual(items.map((i) => [i.name, i.containerName, i.tags.found]), [["a", c.containerName, "a"], ["b", c.containerName, "b"]]);
    assert.equal((await all(c.findBlobsByTags("found = 'b'"))).length, 1);
  },
  async batch(c) {
    await inBatches(c.getBlobBatchClient(), c);
  },
  // The batch of a service takes an account in the path for a container.
  async "service batch"(c) {
    const there = hosted.getContainerClient(c.containerName);
    await inBatches(hosted.getBlobBatchClient(), there);
    const other = hosted.getContainerClient(`${c.containerName}-other`);
    await other.create();
    const blobs = [await put(there, "one", "1"), await put(other, "two", "2")];
    const r = await hosted.getBlobBatchClient().deleteBlobs(blobs);
    assert.deepEqual(r.subResponses.map((s) => s.status), [202, 202]);
    const snapped = await put(there, "snapped", "1"), shot = await snapped.createSnapshot();
    const s = await hosted.getBlobBatchClient().deleteBlobs([snapped.withSnapshot(shot.snapshot), snapped]);
    assert.equal(s.subResponsesFailedCount, 0);
    const many = Array.from({ length: 257 }, (_, i) => there.getBlobClient(`many-${i}`));
    await assert.rejects(hosted.getBlobBatchClient().deleteBlobs(many));
  },
  async copy(c) {
    const a = await put(c, "from", "hello"), b = c.getBlockBlobClient("to");
    const poller = await b.beginCopyFromURL(a.url, { intervalInMs: 10 });
    assert.equal((await poller.pollUntilDone()).copyStatus, "success");
    const p = await b.getProperties();
    assert.equal(p.copyProgress, "5/5");
    assert.equal(p.copySource, a.url);
    const url = await a.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: inAnHour() });
    assert.equal((await b.syncCopyFromURL(url)).copyStatus, "success");
    await b.syncUploadFromURL(url);
    await b.stageBlockFromURL("YWFh", url, 1, 3);
    await b.commitBlockList(["YWFh"]);
    assert.equal(await read(b), "ell");
  },
  async snapshot(c) {
    const b = await put(c, "shot", "old"), s = await b.createSnapshot();
    await b.upload("new", 3);
    assert.equal(await read(b.withSnapshot(s.snapshot)), "old");
    assert.equal((await all(c.listBlobsFlat({ includeSnapshots: true }))).length, 2);
    await refused(b.delete(), "SnapshotsPresent");
    await b.delete({ deleteSnapshots: "include" });
  },
  async sas(c) {
    const b = await put(c, "a b", "hello");
    const at = new ContainerClient(await c.generateSasUrl({ permissions: ContainerSASPermissions.parse("rl"), expiresOn: inAnHour() }));
    assert.equal(await read(at.getBlobClient("a b")), "hello");
    assert.equal((await all(at.listBlobsFlat())).length, 1);
    await refused(at.getBlobClient("a b").delete(), "AuthorizationPermissionMismatch");
    const blobURL = await b.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: inAnHour(), contentType: "text/x" });
    const r = await fetch(blobURL);
    assert.equal(r.headers.get("content-type"), "text/x");
    assert.equal(await r.text(), "hello");
    const account = new BlobServiceClient(service.generateAccountSasUrl(inAnHour(), AccountSASPermissions.parse("rl"), "sco"));
    assert.equal((await all(account.listContainers({ prefix: c.containerName }))).length, 1);
  },
  async list(c) {
    for (const name of ["a/1", "a/2", "b", "<ü & %>"]) await put(c, name, "1");
    const pages = await all(c.listBlobsFlat({ includeMetadata: true, includeTags: true, includeCopy: true, includeUncommitedBlobs: true }).byPage({ maxPageSize: 3 }));
    assert.deepEqual(pages.map((p) => p.segment.blobItems.map((i) => i.name)), [["<ü & %>", "a/1", "a/2"], ["b"]]);
    const items = await all(c.listBlobsByHierarchy("/"));
    assert.deepEqual(items.map((i) => i.kind + i.name), ["blob<ü & %>", "prefixa/", "blobb"].sort((x, y) => items.findIndex((i) => i.kind + i.name === x) - items.findIndex((i) => i.kind + i.name === y)));
    assert.ok(pages[0].segment.blobItems[0].properties.etag);
  },
  async tier(c) {
    const b = await put(c, "cold", "1");
    await b.setAccessTier("Archive");
    assert.equal((await b.getProperties()).accessTier, "Archive");
    await refused(b.downloadToBuffer(0, 1), "BlobArchived");
  },
};

let n = 0;
for (const [name, run] of Object.entries(topics)) {
  const c = service.getContainerClient(`js-${++n}`);
  try {
    await c.create();
    await run(c);
    console.log(`ok ${name}`);
  } catch (err) {
    const text = [err.statusCode, err.code, err.message, err.stack?.match(/roundtrip\.mjs:\d+/g)?.join(" ")].filter(Boolean).join(" ");
    console.log(`fail ${name}: ${text.replace(/\s+/g, " ")}`);
  }
}
