// What the provider does where it would ask a person, as the plan says:
//
//     {"login": {"account": "anna", "acr": null}}   signs in and consents at once; without an `acr`, with the
//                                                   first one that was asked for
//     {"error": "access_denied"}                    goes back with that error
//     "page"                                        shows forms to sign in, to consent, and a way to cancel

const encoder = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export async function interact(provider, plan, request, response) {
  const details = await provider.interactionDetails(request, response);
  const finish = (result) => provider.interactionFinished(request, response, result);
  if (plan.error) return finish({ error: plan.error, error_description: "as the test wants it" });
  if (plan.login) {
    return finish({ ...login(details, plan.login), ...await consent(provider, details, plan.login.account) });
  }

  const action = new URL(request.url, "http://provider").pathname.split("/")[3];
  if (action === "cancel") return finish({ error: "access_denied", error_description: "the person cancelled" });
  if (request.method === "GET") return show(response, page(details));
  const form = new URLSearchParams(await body(request));
  if (action === "login") return finish(login(details, { account: form.get("account") }));
  return finish(await consent(provider, details, details.session.accountId));
}

function login({ params }, { account, acr }) {
  const asked = params.acr_values?.split(" ")[0];
  return { login: { accountId: account, acr: acr ?? asked, amr: ["pwd"] } };
}

async function consent(provider, { params, grantId }, accountId) {
  const known = grantId && await provider.Grant.find(grantId);
  const grant = known || new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return { consent: { grantId: await grant.save() } };
}

function page({ uid, prompt, params }) {
  const cancel = `<p><a href="/interaction/${uid}/cancel">Cancel</a></p>`;
  if (prompt.name === "login") {
    return `<h1>Sign in</h1><form method="post" action="/interaction/${uid}/login">
      <label>Account <input name="account" value="" required autocomplete="off"></label>
      <button type="submit">Sign in</button></form>${cancel}`;
  }
  return `<h1>Consent</h1><p>${escaped(params.client_id)} asks for ${escaped(params.scope)}</p>
    <form method="post" action="/interaction/${uid}/consent">
    <button type="submit">Allow</button></form>${cancel}`;
}

function show(response, content) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!DOCTYPE html><html lang="en"><title>Provider</title><main>${content}</main></html>`);
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => encoder[character]);
}
