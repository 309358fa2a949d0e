// Another implementation of JWS and JWE (npm jose), for tests/interop.rs: reads a JSON list of
// requests from standard input and writes the list of answers. A request that fails ends it.

import { readFileSync } from "node:fs";
import {
  CompactEncrypt, CompactSign, compactDecrypt, createLocalJWKSet, importPKCS8, importSPKI, jwtVerify,
} from "jose";

const text = new TextDecoder();
const bytes = new TextEncoder();

const operations = {
  /** A result as protocol.md has it: `{"njwt": JWS}`, encrypted. */
  async issue({ claims, signing, signs, encryption, encrypts }) {
    const njwt = await signed(claims, { typ: "JWT", alg: signs }, signing);
    const envelope = bytes.encode(JSON.stringify({ njwt }));
    return await new CompactEncrypt(envelope)
      .setProtectedHeader({ typ: "JWT", cty: "JWT", enc: "A128CBC-HS256", alg: encrypts })
      .encrypt(await importSPKI(encryption, encrypts));
  },

  /** The claims of a result that was made for this key and signed by one of the set. */
  async open({ token, decryption, decrypts, jwks, now }) {
    const key = await importPKCS8(decryption, decrypts);
    const options = { keyManagementAlgorithms: [decrypts], contentEncryptionAlgorithms: ["A128CBC-HS256"] };
    const { plaintext } = await compactDecrypt(token, key, options);
    const { njwt } = JSON.parse(text.decode(plaintext));
    const verified = await jwtVerify(njwt, createLocalJWKSet(jwks), {
      typ: "JWT", requiredClaims: ["iat", "exp"], currentDate: new Date(now * 1000),
    });
    return verified.payload;
  },

  /** A signed start. */
  async start({ payload, signing, signs, kid }) {
    return await signed(payload, { typ: "JWT", alg: signs, kid }, signing);
  },
};

async function signed(payload, header, pem) {
  return await new CompactSign(bytes.encode(JSON.stringify(payload)))
    .setProtectedHeader(header)
    .sign(await importPKCS8(pem, header.alg));
}

const answers = [];
for (const request of JSON.parse(readFileSync(0, "utf8"))) {
  answers.push(await operations[request.operation](request));
}
console.log(JSON.stringify(answers));
