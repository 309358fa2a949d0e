// The real program on a copy of a configuration, on free ports.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** What routes.yaml listens on, shipped or of a test. */
const SHIPPED_PORTS = [8080, 8081, 9090];
const DEADLINE = 20_000;

export class Gateway {
  /**
   * Starts the program and waits until it prints where to begin. Without a directory, on the shipped
   * configuration; `adapt` changes the text of each file.
   */
  static async start(binary, from = REPOSITORY, adapt = (text) => text) {
    const directory = await copyConfiguration(from, adapt);
    const child = spawn(binary, ["run", "--config", directory], { stdio: ["ignore", "pipe", "pipe"] });
    const gateway = new Gateway(child, directory);
    gateway.chooseUrl = await gateway.#firstUrl();
    return gateway;
  }

  constructor(child, directory) {
    this.child = child;
    this.output = "";
    this.exited = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    // Whatever ends this test ends the gateway too.
    process.once("exit", () => {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    });
  }

  /** Ends it as an operator does; returns its exit code. */
  stop() {
    this.child.kill("SIGTERM");
    return this.exited;
  }

  #firstUrl() {
    return new Promise((resolve, reject) => {
      const fail = (reason) => reject(new Error(`the gateway ${reason}; it wrote:\n${this.output}`));
      const timer = setTimeout(() => fail("prints no /choose URL"), DEADLINE);
      this.exited.then((code) => fail(`ended with ${code}`));
      const read = (bytes) => {
        this.output += bytes;
        const url = this.output.match(/https?:\/\/[^\s"]+\/choose(?=[\s"])/);
        if (url) {
          clearTimeout(timer);
          resolve(url[0]);
        }
      };
      this.child.stdout.on("data", read);
      this.child.stderr.on("data", read);
    });
  }
}

async function copyConfiguration(from, adapt) {
  const directory = await mkdtemp(join(tmpdir(), "id-contact-gateway-"));
  const ports = await freePorts(SHIPPED_PORTS.length);
  for (const file of ["routes.yaml", "purposes.yaml", "plugins.yaml"]) {
    let text = adapt(await readFile(join(from, file), "utf8"));
    if (file === "routes.yaml") {
      SHIPPED_PORTS.forEach((shipped, index) => {
        if (!text.includes(`:${shipped}`)) throw new Error(`routes.yaml no longer names port ${shipped}`);
        text = text.replaceAll(`:${shipped}`, `:${ports[index]}`);
      });
    }
    await writeFile(join(directory, file), text);
  }
  return directory;
}

/** Ports that are free now: held together, so that they differ, and then let go. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () =>
      new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server));
      })),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
