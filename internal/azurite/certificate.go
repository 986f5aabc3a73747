package azurite

import (
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/goblob/azureblob/internal/selfsigned"
)

// writeCertificate makes a self-signed certificate for the loopback address,
// writes it and its key as PEM files, and returns a pool that trusts it.
func writeCertificate(certFile, keyFile string) (*x509.CertPool, error) {
	cert, pool, err := selfsigned.New("azurite")
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, err
	}
	if err := writePEM(certFile, "CERTIFICATE", cert.Certificate[0]); err != nil {
		return nil, err
	}
	if err := writePEM(keyFile, "PRIVATE KEY", key); err != nil {
		return nil, err
	}
	return pool, nil
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
