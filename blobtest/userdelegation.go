package blobtest

import (
	"bytes"
	"crypto/hmac"
	"net/http"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/xmlplan"
)

func init() {
	// It is for who has a token; any other caller learns that from run.
	handle(rest.GetUserDelegationKey, endpoint{run: getUserDelegationKey, body: xmlBody, needs: anyPermission})
}

const (
	// maxKeyLifetime is how long a user delegation key may live.
	maxKeyLifetime = 7 * 24 * time.Hour

	// keyTimeForm is the form of the times of a key.
	keyTimeForm = "2006-01-02T15:04:05Z"

	// Who has a token that names nobody is this user of this tenant.
	defaultPrincipal = "00000000-0000-0000-0000-000000000001"
	defaultTenant    = "00000000-0000-0000-0000-000000000000"
)

// keyInfo is the body of the request.
type keyInfo struct {
	Start           string `xml:"Start"`
	Expiry          string `xml:"Expiry"`
	DelegatedTenant string `xml:"DelegatedUserTid"`
}

// delegationKey is a key that signs user delegation SAS. Its value follows from
// the other fields and the key of the account, so none has to be kept.
type delegationKey struct {
	Principal       string `xml:"SignedOid"`
	Tenant          string `xml:"SignedTid"`
	Start           string `xml:"SignedStart"`
	Expiry          string `xml:"SignedExpiry"`
	Service         string `xml:"SignedService"`
	Version         string `xml:"SignedVersion"`
	DelegatedTenant string `xml:"SignedDelegatedUserTid"`
	Value           string `xml:"Value"`
}

// derive is the value of the key out of a key of the account.
func (k *delegationKey) derive(from *accountKey) []byte {
	return from.sign(strings.Join([]string{"user delegation key", k.Principal, k.Tenant, k.Start, k.Expiry, k.Service, k.Version, k.DelegatedTenant}, "\n"))
}

func getUserDelegationKey(x *exchange) error {
	if x.grant.how != byToken {
		return authenticationFailed("Only Bearer authentication is supported.")
	}
	var info keyInfo
	if err := xmlplan.DecodeRoot(bytes.NewReader(x.document), "KeyInfo", &info); err != nil {
		return fail(azureblob.InvalidXMLDocument)
	}
	start, expiry, err := x.keyTimes(info)
	if err != nil {
		return err
	}
	if info.DelegatedTenant != "" && !x.since("2026-04-06") {
		return invalidNode("DelegatedUserTid", info.DelegatedTenant)
	}
	k := delegationKey{
		Principal: x.grant.principal, Tenant: x.grant.tenant, Start: start.Format(keyTimeForm), Expiry: expiry.Format(keyTimeForm),
		Service: "b", Version: x.version(), DelegatedTenant: info.DelegatedTenant,
	}
	k.Value = base64Text(k.derive(x.account.keys[0]))
	return x.answerXML(http.StatusOK, nil, "UserDelegationKey", k)
}

func (x *exchange) keyTimes(info keyInfo) (start, expiry time.Time, err error) {
	start, ok := x.now.UTC(), true
	if info.Start != "" {
		if start, ok = parseSASTime(info.Start); !ok {
			return start, expiry, invalidNode("Start", info.Start)
		}
	}
	expiry, ok = parseSASTime(info.Expiry)
	if !ok || !expiry.After(start) || !expiry.After(x.now) || expiry.Sub(start) > maxKeyLifetime || expiry.Sub(x.now) > maxKeyLifetime {
		return start, expiry, invalidNode("Expiry", info.Expiry)
	}
	return start, expiry, nil
}

func invalidNode(name, value string) error {
	return fail(azureblob.InvalidXMLNodeValue).with("XmlNodeName", name).with("XmlNodeValue", value)
}

// checkDelegation checks what is particular to a user delegation SAS, and its signature.
func (x *exchange) checkDelegation(name, sr, sv string) error {
	q := x.query.Get
	start, ok1 := parseSASTime(q("skt"))
	expiry, ok2 := parseSASTime(q("ske"))
	switch {
	case sv < "2018-11-09":
		return authenticationFailed("A signature of a user delegation needs sv of 2018-11-09 or later.")
	case !ok1 || !ok2 || q("sks") != "b" || q("sktid") == "" || !versions[q("skv")]:
		return authenticationFailed("The fields of the user delegation key are not well formed.")
	case q("si") != "":
		return authenticationFailed("si is not for a user delegation.")
	case q("saoid") != "" && q("suoid") != "":
		return authenticationFailed("saoid and suoid exclude each other.")
	case sv < "2026-04-06" && (q("srh") != "" || q("srq") != ""):
		return authenticationFailed("srh and srq need sv of 2026-04-06 or later.")
	}
	key := delegationKey{
		Principal: q("skoid"), Tenant: q("sktid"), Start: start.Format(keyTimeForm), Expiry: expiry.Format(keyTimeForm),
		Service: q("sks"), Version: q("skv"), DelegatedTenant: q("skdutid"),
	}
	text, signature, signed := x.delegationText(name, sr, sv), x.signature(), false
	for _, k := range x.account.keys {
		signed = signed || hmac.Equal(newAccountKey(key.derive(k)).sign(text), signature)
	}
	if !signed {
		return signatureMismatch(text)
	}
	if x.now.Before(start) || !x.now.Before(expiry) {
		return authenticationFailed("Signature not valid in the specified key time frame: Key start [%s] - Key expiry [%s] - Current [%s]", q("skt"), q("ske"), x.now.UTC().Format(time.RFC1123))
	}
	return x.checkDelegate(q("sduoid"), q("skdutid"))
}

// checkDelegate makes sure that the only user who may use the signature is the
// one who calls: they have a token as well. One that does not say whose it is
// is taken for theirs.
func (x *exchange) checkDelegate(user, tenant string) error {
	if user == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(x.params.text("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return authenticationFailed("The signature is for a user, whose token is not there.")
	}
	if err := x.authorizeToken(token); err != nil {
		return err
	}
	if of := claimsOf(token); of.Principal != "" && !strings.EqualFold(of.Principal, user) ||
		tenant != "" && of.Tenant != "" && !strings.EqualFold(of.Tenant, tenant) {
		return authenticationFailed("The token is not that of the user whom the signature is for.")
	}
	return nil
}
